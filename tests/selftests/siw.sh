#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# soft iWARP, converted as soft-RoCE was: each kind of operation of it over a file
# on ext4 while somebody calls fsync on the file. Both ends are here, in two
# processes, connected by the RDMA connection manager. Only for the newest kernel:
# for others there is no patch.
#
# Must never test the library: only verbs and the kernel.
dir=${0%/*}
. "$dir/lib.sh"
. "$dir/lib-rdma.sh"
case $KERNEL in
newest|debug) ;;
*)
	skip "soft iWARP" "it is converted for the newest kernel only"
	done_testing
	;;
esac

HITS=/sys/module/siw/parameters/revoked_hits
FILE=$SCRATCH/file

# siw_up MODULE - siw0 of it
siw_up() {
	modprobe -a rdma_ucm ib_uverbs dummy &&
		if [ "$1" = siw ]; then load siw; else insmod "/pr/modules/$1.ko"; fi &&
		ip link add rdma0 type dummy && ip addr add 192.0.2.1/24 dev rdma0 &&
		ip link set rdma0 up && ip link set lo up &&
		rdma link add siw0 type siw netdev rdma0 &&
		wait_for 10 test -e /sys/class/infiniband/siw0/ports/1/gids/0
}
siw_down() {
	ip link delete rdma0 && wait_for 10 rmmod siw || return
	local module
	for module in pin_revoke_ib pin_revoke; do
		if grep -q "^$module " /proc/modules; then wait_for 10 rmmod "$module" || return; fi
	done
}
no_pins() { [ "$(revokectl -j pin show)" = '[]' ]; }
met_revoked() { [ "$(cat $HITS)" != "$1" ]; }
listening() { ss -ltnH "sport = :$1" | grep -q . ; }
# The end that serves is a process of its own, and ends by itself.
nothing_left() { no_pins && ! listening 7471; }

cat > /run/siw.py <<'EOT'
import ctypes, fcntl, mmap, multiprocessing, os, struct, sys, time
from pyverbs import cm_enums as ce, enums as e
from pyverbs.cmid import AddrInfo, CMID
from pyverbs.device import Context
from pyverbs.mr import MR
from pyverbs.pd import PD
from pyverbs.qp import QPCap, QPInitAttr

# A message is several segments of TCP, and lies in two chunks of its region.
MSG, CHUNK, HITS = 256 << 10, 2 << 20, "/sys/module/siw/parameters/revoked_hits"
AT, SIZE = CHUNK - MSG // 2, CHUNK + MSG
ACCESS = (e.IBV_ACCESS_LOCAL_WRITE | e.IBV_ACCESS_REMOTE_WRITE |
          e.IBV_ACCESS_REMOTE_READ)
ADDR, PORT = "192.0.2.1", "7471"
MIN_HITS, MIN_OPS = 6, 12
LIMIT = 40 * int(os.environ.get("VM_SLOW", "1"))

def memory(fd):
    mem = mmap.mmap(fd, SIZE)
    return mem, ctypes.addressof(ctypes.c_char.from_buffer(mem))

def pattern(i, size):
    return struct.pack("<Q", i * 0x9e3779b97f4a7c15 & (1 << 64) - 1) * (size // 8)

def hits():
    return int(open(HITS).read())

class End:
    """One end: its part of MSG bytes at AT in some memory, and a short one."""
    def __init__(self, fd):
        self.mem, self.addr = memory(fd)

    def register(self, cmid):
        self.cmid = cmid
        # The whole is registered once; what posts work wants a region that
        # begins where the data does.
        self.all = MR(cmid.pd, SIZE, ACCESS, address=self.addr)
        self.msg = MR(cmid.pd, MSG, ACCESS, address=self.addr + AT)

    def where(self):
        return self.addr + AT, self.all.rkey

    def fill(self, data):
        self.mem[AT:AT + len(data)] = data

    def get(self, size):
        return self.mem[AT:AT + size]

    def recv(self, size):
        self.cmid.post_recv(self.msg, size)

    def received(self):
        return self.status(self.cmid.get_recv_comp())

    def send(self, size):
        self.cmid.post_send(self.msg, e.IBV_SEND_SIGNALED, size)
        return self.status(self.cmid.get_send_comp())

    def write(self, size, addr, rkey):
        self.cmid.post_write(self.msg, size, addr, rkey, e.IBV_SEND_SIGNALED)
        return self.status(self.cmid.get_send_comp())

    def read(self, size, addr, rkey):
        self.cmid.post_read(self.msg, size, addr, rkey, e.IBV_SEND_SIGNALED)
        return self.status(self.cmid.get_send_comp())

    @staticmethod
    def status(wc):
        return wc.status == e.IBV_WC_SUCCESS

def attr():
    return QPInitAttr(cap=QPCap(max_send_wr=8, max_recv_wr=8))

def serve(pipe, fd):
    """The end whose memory is the file does what it is told."""
    end = End(fd)
    listener = CMID(creator=AddrInfo(src=ADDR, src_service=PORT,
                                     port_space=ce.RDMA_PS_TCP,
                                     flags=ce.RAI_PASSIVE), qp_init_attr=attr())
    listener.listen()
    pipe.send("listening")
    end.register(listener.get_request())
    end.cmid.accept()
    while True:
        name, args = pipe.recv()
        pipe.send(getattr(end, name)(*args))

def connect(fd):
    """Both ends: this one, and a function that calls methods of the other."""
    pipe, theirs = multiprocessing.Pipe()
    child = os.fork()
    if not child:
        pipe.close()
        try:
            serve(theirs, fd)
        except EOFError:
            pass
        finally:
            os._exit(0)
    theirs.close()
    pipe.recv()
    end = End(-1)
    cmid = CMID(creator=AddrInfo(dst=ADDR, dst_service=PORT,
                                 port_space=ce.RDMA_PS_TCP), qp_init_attr=attr())
    end.register(cmid)
    cmid.connect()

    def other(name, *args):
        pipe.send((name, args))
        return pipe.recv()
    return end, other

class Disk:
    """What is on the disk where the file is, past the file system."""
    def __init__(self, fd, device):
        buf = bytearray(struct.pack("=QQLLLL", AT, MSG, 0, 0, 64, 0) + bytes(64 * 56))
        fcntl.ioctl(fd, 0xC020660B, buf)  # FS_IOC_FIEMAP
        n = struct.unpack_from("=L", buf, 20)[0]
        self.extents = [struct.unpack_from("=QQQ", buf, 32 + 56 * i) for i in range(n)]
        self.disk = os.open(device, os.O_RDONLY | os.O_DIRECT)

    def get(self):
        data = b""
        for logical, physical, length in self.extents:
            skip = max(AT - logical, 0)
            size = min(logical + length, AT + MSG) - logical - skip
            buf = mmap.mmap(-1, size)
            os.preadv(self.disk, [buf], physical + skip)
            data += buf[:]
        return data

def sync_all_the_time(fd, longest):
    # Faster than this the core holds off restores.
    child = os.fork()
    if child:
        return
    parent = os.getppid()
    while os.getppid() == parent:
        start = time.monotonic()
        os.fsync(fd)
        longest.value = max(longest.value, time.monotonic() - start)
        time.sleep(0.2)
    os._exit(0)

def main(path, device):
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    os.pwrite(fd, bytes(SIZE), 0)
    os.fsync(fd)
    disk = Disk(fd, device)
    longest = multiprocessing.Value("d", 0)
    end, other = connect(fd)
    there, here = other("where"), end.where()
    sync_all_the_time(fd, longest)

    def confirmed():
        """Has all arrived that was sent before? A READ overtakes nothing."""
        end.cmid.post_read(end.all, 8, *there, e.IBV_SEND_SIGNALED)
        return End.status(end.cmid.get_send_comp())

    def write(data, size):
        end.fill(data)
        return end.write(size, *there) and confirmed() and other("get", size) == data

    def read(data, size):
        other("fill", data)
        return end.read(size, *there) and end.get(size) == data

    def send(data, size):
        end.fill(data)
        other("recv", size)
        return end.send(size) and other("received") and other("get", size) == data

    def their_send(data, size):
        other("fill", data)
        end.recv(size)
        return other("send", size) and end.received() and end.get(size) == data

    def their_write(data, size):
        other("fill", data)
        return other("write", size, *here) and other("read", 8, *here) and \
            end.get(size) == data

    def their_read(data, size):
        end.fill(data)
        return other("read", size, *here) and other("get", size) == data

    def on_disk(data, size):
        if not write(data, size):
            return False
        os.fsync(fd)
        return disk.get() == data

    i = 0
    for what, op, size in (("WRITE to the file", write, MSG),
                           ("READ from the file", read, MSG),
                           ("READ of a few bytes from it", read, 16),
                           ("SEND to it", send, MSG),
                           ("SEND from it", their_send, MSG),
                           ("WRITE from it", their_write, MSG),
                           ("READ to it", their_read, MSG),
                           ("WRITE, fsync, and it is on the disk", on_disk, MSG)):
        n, good, before, until = 0, True, hits(), time.monotonic() + LIMIT
        while good and (n < MIN_OPS or hits() - before < MIN_HITS):
            n, i = n + 1, i + 1
            good = op(pattern(i, size), size)
            if time.monotonic() > until:
                print("# too slow")
                good = False
        print("ok" if good else "not ok", "-", what)
        print(f"# {n} times, {hits() - before} accesses met a revoked region", flush=True)
    print("ok" if longest.value < LIMIT / 8 else "not ok", "- no fsync waits long")
    print(f"# the longest took {longest.value * 1000:.0f} ms", flush=True)

if sys.argv[1] == "register":
    fd = os.open(sys.argv[2], os.O_RDWR | os.O_CREAT)
    os.truncate(fd, SIZE)
    MR(PD(Context(name="siw0")), SIZE, ACCESS, address=memory(fd)[1])
else:
    main(*sys.argv[2:])
    os._exit(0)
EOT
ops() { exec python3 /run/siw.py ops "$FILE" "$DATA"; }

ok "a file system" scratch ext4
ok "stock: soft iWARP" siw_up stock/siw
refused "stock: the file must not be registered" "Errno: 14" \
	python3 /run/siw.py register "$FILE"
ok "stock: it can be unloaded" siw_down

ok "soft iWARP with revocable regions" siw_up siw
while read -r line; do
	case $line in
	"ok - "*) pass "fsync and ${line#* - }" ;;
	"not ok - "*) fail "fsync and ${line#* - }" ;;
	*) diag "${line#"# "}" ;;
	esac
done < <(ops 2>&1)
wait $!
is "the program ends well" $? 0
ok "nothing of it stays" wait_for 30 nothing_left

# Programs that die while they are served: nothing of them stays behind.
killed=0
for _ in 1 2 3; do
	before=$(cat $HITS)
	(ops > /run/killed 2>&1) &
	program=$!
	wait_for 60 met_revoked "$before" || break
	kill -KILL $program
	wait $program 2> /dev/null
	wait_for 30 nothing_left || break
	killed=$((killed + 1))
done
is "programs killed while their region is revoked leave nothing" $killed 3

# The device goes while it is used.
before=$(cat $HITS)
(ops > /run/killed 2>&1) &
program=$!
wait_for 60 met_revoked "$before"
refused "the module stays while it is used" "in use" rmmod siw
rdma link delete siw0 &
deletion=$!
ok "its deletion waits for the program" wait_for 60 grep -qs ib_uverbs_remove /proc/$deletion/stack
kill -KILL $program
wait $deletion
is "the device deleted while a region is revoked" $? 0
wait $program 2> /dev/null
ok "nothing stays of its program" wait_for 30 nothing_left
ok "a new device" rdma link add siw0 type siw netdev rdma0
ok "it has its address" wait_for 10 test -e /sys/class/infiniband/siw0/ports/1/gids/0

# An unmodified program
truncate -s 1M "$SCRATCH/to" "$SCRATCH/from"
bw() { timeout $((100 * ${VM_SLOW:-1})) ib_write_bw -R -d siw0 -F -n 100 -s 65536 "$@"; }
while :; do sync; done &
syncs=$!
before=$(cat $HITS)
bw --mmap="$SCRATCH/to" > /run/out/siw-to 2>&1 &
to=$!
ok "perftest: one end listens" wait_for 60 listening 18515
bw --mmap="$SCRATCH/from" 192.0.2.1 > /run/out/siw-from 2>&1
is "perftest: the other runs to its end" $? 0
wait $to
is "perftest: so does the first" $? 0
{ kill $syncs; wait $syncs; } 2> /dev/null
ok "perftest: it has met a revoked region" met_revoked "$before"

ok "everything can be unloaded" siw_down
ok "the file system can be left" umount "$SCRATCH"
done_testing

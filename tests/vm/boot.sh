#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: boot.sh [-k KERNEL] [-o DIR] [-d DATA] [-l LAYER] [-p DIR] [-t SECONDS] [-q] [-i] JOB
#   JOB: tests NAME... | command 'SHELL COMMAND' | shell ['SHELL COMMAND' first]
#        | systemd 'SHELL COMMAND', with it as process 1
#   -k  newest, 6.12, 6.1, debug	-o  logs: console, output, dmesg, out/
#   -d  file that is the disk "data" (fresh, removed afterwards, by default)
#   -l  file that is the disk "layer": what the guest changes in its root stays there,
#       for the next boot (made if it is not there; in memory, by default)
#   -p  directory laid over the payload	-t  limit for all of the boot
#   -q  do not copy what the job prints to stdout, only to DIR/output
#   -i  one processor, on which each instruction takes a nanosecond
# VM_BOOT: more for the kernel's command line.
# VM_DMA: how the guest's edu device sees memory: plain, iommu, bounce.
# VM_NET: 1:DIR or 2:DIR, a wire between two guests of that name; the only network
# Boots a guest, does the job, and exits with its status: 124 if
# the limit ended it, 125 if the guest died without a word.
#
# Must never outlive its limit, nor leave a QEMU behind.
. "${BASH_SOURCE[0]%/*}/env.sh"

kernel=newest out='' data='' layer='' extra='' limit=600 quiet=
cpus=(-accel "tcg,thread=multi" -smp 2)
while getopts k:o:d:l:p:t:qi opt; do
	case $opt in
	k) kernel=$OPTARG ;;
	o) out=$OPTARG ;;
	d) data=$OPTARG ;;
	l) layer=$OPTARG ;;
	p) extra=$OPTARG ;;
	t) limit=$OPTARG ;;
	q) quiet=1 ;;
	i) cpus=(-accel "tcg,thread=single" -icount shift=0 -smp 1) ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
job=${1:?usage: boot.sh [options] tests NAME...|command CMD|shell|systemd CMD}
shift

"$VM/root.sh" trixie
use_kernel "$kernel"
base=$("$VM/initramfs.sh" "$kernel")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
case ${VM_DMA:-plain} in
plain) machine=(-machine pc) dma='' ;;
iommu) machine=(-machine q35 -device intel-iommu) dma="intel_iommu=on iommu.strict=1" ;;
bounce) machine=(-machine pc) dma="swiotlb=force" ;;
*) die "VM_DMA: no such way: $VM_DMA" ;;
esac
VM_NET=${VM_NET:-} net=(-nic none)
if [ -n "$VM_NET" ]; then
	end=${VM_NET%%:*}
	net=(-netdev "dgram,id=net,local.type=unix,local.path=${VM_NET#*:}/$end,remote.type=unix,remote.path=${VM_NET#*:}/$((3 - end))"
		-device "virtio-net-pci,netdev=net,romfile=,mac=52:54:00:00:00:0$end")
fi
debug=''
# Caches without debugging are fed from arrays that keep stale addresses: what
# leaks right after another allocation looks referenced to kmemleak. Red zones
# cost least.
[ "$KERNEL" != debug ] || debug="panic_on_warn=1 page_owner=on slab_debug=Z kunit.enable=1"
out=${out:-$O/vm/$kernel}
mkdir -p "$out"
rm -rf "$out"/{console,output,dmesg,out}

"$VM/payload.sh" "$kernel" "$tmp/payload/pr"
[ -z "$extra" ] || cp -a "$extra/." "$tmp/payload/pr/"
rows='' cols=''
[ ! -t 0 ] || read -r rows cols < <(stty size)
{
	printf 'JOB=%q\nVM_SLOW=%q\nexport VM_SLOW\n' "$job" "${VM_SLOW:-1}"
	printf 'VM_DMA=%q\nexport VM_DMA\n' "${VM_DMA:-plain}"
	printf 'VM_NET=%q\nexport VM_NET\n' "${VM_NET%%:*}"
	printf 'PYVERBS=%q\nTORTURE=%q\nSEED=%q\nexport PYVERBS TORTURE SEED\n' \
		"${PYVERBS:-}" "${TORTURE:-}" "${SEED:-}"
	printf 'KERNEL=%q\nKVER=%q\nexport KERNEL KVER\n' "$kernel" "$KVER"
	printf 'JOB_TESTS=%q\nJOB_COMMAND=%q\n' "$*" "$*"
	[ "${rows:-0}" != 0 ] || rows=24 cols=80
	printf 'JOB_ROWS=%q\nJOB_COLS=%q\n' "$rows" "$cols"
} > "$tmp/payload/pr/job"
{ cat "$base"; "$VM/cpio.sh" "$ROOT" "$tmp/payload"; } > "$tmp/initrd"

if [ -z "$data" ]; then
	data=$tmp/data
	truncate -s 256M "$data"
fi
truncate -s 64M "$tmp/out"

disk() {
	args+=(-drive "if=none,id=$1,format=raw,file=$2${3:-}"
		-device "virtio-blk-pci,drive=$1,serial=$1")
}
# Without la57: with it an interrupt in the middle of identify_cpu(), which forgets
# for a moment what the processor can do, makes KASAN see wild addresses.
# shellcheck disable=SC2054 # QEMU's commas
args=(
	"${machine[@]}" "${cpus[@]}" -cpu max,la57=off -no-reboot
	-nodefaults -no-user-config -display none "${net[@]}"
	-kernel "$IMAGE" -initrd "$tmp/initrd"
	-append "console=ttyS0 loglevel=5 panic=-1 oops=panic memmap=512M!1G rcupdate.rcu_cpu_stall_timeout=60 memhp_default_state=offline numa_balancing=disable $debug $dma ${VM_BOOT:-}"
	-serial "file:$out/console"
)
args+=(-device "edu,dma_mask=0xffffffffffffffff")
# A second node, to which pages can be moved, and memory that a test can bring
# online, take offline and unplug.
args+=(-m "2816M,slots=1,maxmem=8G"
	-object "memory-backend-ram,id=near,size=2560M" -numa "node,memdev=near"
	-object "memory-backend-ram,id=far,size=256M" -numa "node,memdev=far"
	-object "memory-backend-ram,id=dimm,size=256M" -device "pc-dimm,memdev=dimm,node=1")
if [ -n "$quiet" ]; then
	args+=(-serial "file:$out/output")
else
	mode=signal=on
	# Ctrl-C is the guest's, Ctrl-A is QEMU's
	[ "$job" != shell ] || mode=signal=off,mux=on
	args+=(-chardev "stdio,id=job,$mode,logfile=$out/output" -serial chardev:job)
	[ "$job" != shell ] || args+=(-mon chardev=job)
fi
args+=(-serial "file:$tmp/status")
disk root "$HOME_DIR/root.ext4" ,readonly=on
disk data "$data"
disk out "$tmp/out"
if [ -n "$layer" ]; then
	if [ ! -e "$layer" ]; then
		truncate -s 3G "$layer"
		mke2fs -q -t ext4 -O ^has_journal "$layer"
	fi
	# What one boot leaves there is for the next, not for a machine that crashes.
	disk layer "$layer" ,cache=unsafe
fi

# QEMU is the trixie root's, whatever the host: 7.2 of Debian 12 runs code that
# another processor is patching (the guest dies in int3 while ftrace or a static
# key is switched), and runs it nine times slower.
host=$(home_of trixie)/root
lib=$host/usr/lib/x86_64-linux-gnu
qemu=("$host/lib64/ld-linux-x86-64.so.2" --library-path "$lib"
	"$host/usr/bin/qemu-system-x86_64" -L "$host/usr/share/qemu" -L "$host/usr/share/seabios")

[ "$job" != shell ] || limit=infinity
for try in 1 2 3; do
	status=0
	QEMU_MODULE_DIR=$lib/qemu timeout --foreground -k 5 "$limit" "${qemu[@]}" "${args[@]}" || status=$?
	# Now and then it trips over its own memory map (iotlb_to_section) while the
	# guest finds its PCI devices, or gets so little of a busy host that the guest, or
	# one of its processors, finds no timer. That says nothing of the guest: once more.
	[ ! -s "$out/output" ] && [ "$try" != 3 ] || break
	[ $status = 134 ] || grep -qsE "IO-APIC \+ timer doesn't work|kthread timer wakeup didn't happen" \
		"$out/console" || break
	say "boot.sh: QEMU could not start it"
done
if [ $status = 124 ] || [ $status = 137 ]; then
	say "boot.sh: the guest did not end within $limit s, console: $out/console"
	exit 124
fi
if ! grep -q '^status [0-9]' "$tmp/status"; then
	tail -n 20 "$out/console" >&2
	say "boot.sh: the guest died, console: $out/console"
	exit 125
fi
mkdir "$out/out"
tar -xf "$tmp/out" -C "$out/out"
mv "$out/out/dmesg" "$out/dmesg"
exit "$(sed -n 's/^status \([0-9]*\).*/\1/p' "$tmp/status")"

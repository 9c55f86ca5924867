# SPDX-License-Identifier: GPL-2.0-only
#
# What the rows are about, what they are to reach, and what is drawn of them.
#
# Must never hold a number that was measured.
"""The rows of the benchmarks."""
import dataclasses


@dataclasses.dataclass
class Row:
    """One question, its table and its goal."""
    id: str
    title: str
    goal: str
    note: str = ""
    ref: str = ""
    unit: str = "instructions"
    bytes: bool = True
    digits: int = 2
    fallback_x: int = 4096
    slope: bool = False
    tail: bool = False

    def reference(self, series):
        """The series to which the ratio of this one is."""
        return self.ref


class KindRow(Row):
    """Each kind of memory has a reference of its own."""

    def reference(self, series):
        return f"{series.split(':')[0]}: {self.ref}"


class MrRow(KindRow):
    """That not every kernel lets be one for ext4."""

    def reference(self, series):
        return super().reference(series.replace("ext4:", "tmpfs:"))


ROWS = [
    KindRow("B1", "pin and release in the kernel",
            "1.10 of a bare pin with an interval notifier",
            "Ratios are to the bare one: the pages, their array, a notifier that does nothing. "
            "It is in no index, has no limits, no name, no holder to be asked, no restore.",
            ref="bare"),
    MrRow("B2", "ibv_reg_mr and ibv_dereg_mr",
          "1.05 of stock at 4 KiB, 1.01 at 1 MiB, less than any other that is told",
          "Ratios are to the stock driver on the same kind of memory, for ext4 to tmpfs: "
          "that many kernels refuse to pin a file on ext4 is what this is about. Who is "
          "told when the memory is taken: all but the lines that say stock or our driver "
          "alone; of these, ours on ext4 is the revocable pin itself. On-demand paging "
          "does not pin, and a device that has it does not need us.", ref="stock"),
    Row("B3", "a declared range, on and off",
        "0.2 of ibv_reg_mr and ibv_dereg_mr at 4 KiB, less than the others",
        "Ratios are to ibv_reg_mr and ibv_dereg_mr of 4 KiB on the stock driver.",
        ref="ibv_reg_mr + ibv_dereg_mr, 4 KiB, stock"),
    Row("B4", "a call, until another process has heard of it",
        "1.5 of an eventfd, less than a lease",
        "From before the call until the other process is back from what it waited in. "
        "Ours and the lease have in it what the call does before it asks.",
        ref="eventfd", bytes=False, tail=True),
    Row("B5", "a whole revocation",
        "1.3 of its floor; the 99th percentile 2 of the median",
        "From before the call until it returns; the holder answers QUIESCED at once. The "
        "floor is an fsync of the same page, and two wake-ups before it.",
        ref="an eventfd there and one back, then fsync of a page", bytes=False, tail=True),
    Row("B6", "many who hold it", "no steeper than leases; the longest wait, not the sum",
        "In the heading: how many pins, leases or files. All pins are of the same page, so "
        "that what is written is the same for all; the last column is what each more costs, "
        "from the last but one number to the last. Everybody answers at once where it does "
        "not say otherwise; 20 ms are 20,000,000 instructions. Ours have taking the page, "
        "and writing it, in them.", bytes=False, slope=True),
    KindRow("B7", "nothing is pinned", "1.00, half a percent up or down",
            "Ratios are to the same in the same boot, just before the core is loaded.",
            ref="without the core", bytes=False, digits=4),
    KindRow("B8", "pins elsewhere", "1.05 of a bare interval notifier",
            "1 MiB of another file is pinned, by the process that is measured or by another. "
            "Ratios are to a pin of the same process that has a bare interval notifier.",
            ref="a bare pin of this process", bytes=False, digits=3),
    KindRow("B9", "many pins", "256 bytes over the driver's own; insert 1.3 of that at 1000",
            "Pins of one page each, in one process, on 64 MiB of a file on ext4; the number "
            "of pins is in the heading. Bytes have the 32 of the measuring module in them.",
            ref="bare", bytes=False),
    Row("B10", "RDMA into a file with an fsync every second", "0.95 of undisturbed, nothing lost"),
    Row("B11", "sync of 1 GiB with 64 pinned regions", "1.1 of the same without, and one release"),
    Row("B12", "who notices what", "nothing missed, nothing false",
        "A range of 2 MiB in a file of 8 MiB, each time in a new process. *told*: as it should "
        "be; **missed**: it was taken, and nobody was told; quiet: nothing was taken, nobody "
        "told; **false**: told of nothing; refused: such a range cannot be registered; stays: "
        "no page of it could be moved. A lease is told when another process opens the file, "
        "whatever for. With on-demand paging it is the device that is told: does it write "
        "where the file is then? userfaultfd and leases pin nothing themselves. fsync takes "
        "nothing from tmpfs and hugetlbfs. Lines of nobody are what happens to the pages of the "
        "range when nobody has registered it: whatever they say is taken (unmapped, replaced "
        "or cleaned) is nothing false to be told of."),
    Row("B13", "validity check without a system call", "1.5 of an atomic load",
        "Each in the same loop, which is in the number.",
        ref="an atomic load and a comparison", bytes=False),
]

# Row, series, x, then what README.md says of it.
SUMMARY = [
    ("B2", "ext4: our driver", 4096, "register and deregister 4 KiB of a file, revocable",
     "soft-RoCE as it is, on tmpfs", "1.05"),
    ("B2", "ext4: our driver", 1 << 20, "1 MiB", "the same", "1.01"),
    ("B2", "anonymous: our driver", 4096, "4 KiB of memory that needs no such pin",
     "soft-RoCE as it is", "1.05"),
    ("B3", "revoke_declare + revoke_undeclare", 4096, "declare a range, and take it back",
     "ibv_reg_mr + ibv_dereg_mr", "0.2"),
    ("B13", "revoke_pin_valid", 0, "is it still valid?", "an atomic load", "1.5"),
    ("B7", "fsync of 256 dirty pages: core loaded", 0, "fsync of 1 MiB, nothing pinned",
     "the same without the core", "1.00"),
    ("B8", "fsync of 256 dirty pages: a revocable pin of this process", 0,
     "fsync of 1 MiB, another file pinned", "a bare interval notifier", "1.05"),
]

PLOTS = [
    {
        "row": "B6", "name": "fan-out",
        "title": "One call that many have to answer",
        "xlabel": "pins, or leases, of the same page", "ylabel": "instructions until it returns",
        "settings": ["set logscale xy", "set format y '%.0s%c'", "set xrange [0.8:1250]"],
        "series": ["fsync of a page: pins of 1 process", "fsync of a page: pins of 10 processes",
                   "fsync of a page: pins of 100 processes", "open: leases of 1 process",
                   "open: leases of 10 processes", "open: leases of 100 processes"],
    },
    {
        "row": "B2", "name": "registration", "reference": "tmpfs: stock",
        "title": "Registering and deregistering a memory region",
        "xlabel": "size of the region, bytes", "ylabel": "ratio to the stock driver on tmpfs",
        "settings": ["set logscale x 2", "set format x '%.0b%B'", "set yrange [0:*]"],
        "series": ["tmpfs: stock", "ext4: our driver", "ext4: stock", "ext4: stock + lease",
                   "tmpfs: stock + revoke_declare", "tmpfs: stock + userfaultfd",
                   "tmpfs: stock + lease", "tmpfs: on-demand paging"],
    },
]

# What is behind the numbers that fall short, or look odd; from reading the code.
FINDINGS = [
    "B1: some 2,300 instructions more than the bare one on anonymous memory, 3,100 on ext4, "
    "whatever the size: 2.3 and 2.8 times as much for one page, a few percent from 1 MiB on. "
    "16 MiB on ext4 (1.11) is not explained.",
    "B1, ext4 with blocks smaller than a page, not in these numbers: 115,000 instructions "
    "more for every pin, for the question whether a journal has the data of the file: "
    "outside of the kernel's tree it is answered by the name of a symbol "
    "(`pinr_journals_data()`).",
    "B2: no line of the same kind of memory is the same process, whose pages are in more "
    "or fewer pieces: from 1 MiB on, two boots differ by up to 29 percent, and less is done "
    "by more (0.71 to 0.92). Huge pages at 16 MiB (1.26) are not explained. At 4 KiB a lease "
    "costs less than a declared range (1.15 to 1.23), and hears of nothing but other openers.",
    "B2, 4 KiB on ext4: 8,300 instructions of 38,800 were a worker that was woken for each "
    "region that was deregistered (ftrace's graph); now one comes a tick later for all that "
    "have left meanwhile. Of the 7,500 that are more than on tmpfs 3,100 are those of B1, the "
    "rest is spread over what the driver does besides.",
    "B3: falls short alone (0.23), not in a batch: about 900 instructions are paid for the "
    "two calls. `make figures` has 0.19, for it comes after a colder ibv_reg_mr().",
    "B4, B5: of 45,000 instructions from fsync() to the event, 16,000 cleared 8 KiB for the "
    "message, and 8 KiB more to find that there was no other, and 2,000 were a worker that had "
    "nothing to do yet: both are gone (ftrace's graph again; clearing a byte is an instruction "
    "here, less on a processor). What is left is an fsync (22,000), the question, the answer "
    "(a system call with its reply), and six switches between the three processes that one "
    "processor has to make: two of the holder's are for REVOKED, which it hears before fsync goes "
    "on. B5's median is one of two that boots have, 83,700 and 105,100: which of them runs "
    "first.",
    "B6, two boots: the longest wait counts, not the sum: 100 holders who take 20 ms each cost "
    "an fsync 26.0 ms, 100 files a sync 27.7 ms. But each pin more costs 17,000 to 35,000 "
    "instructions, a lease 4,200 to 6,900: two and a half to eight times as much. Ours stop and "
    "unpin memory and come back, each with a message of its own, a lease is a record.",
    "B7, B8: two runs of fork without the core differ by 1.5 percent: no smaller difference "
    "of fork means anything.",
    "B9: about 850 bytes over a bare pin, a thousand in all, where a region of soft-RoCE has "
    "1,020 of its own (measured elsewhere, regions of 64 KiB): four times the goal. The pin "
    "is an object of 968 bytes: 184 four pieces of work and a timer, 136 names (process, "
    "holder's, driver), 104 its place in the index of its file, 88 the notifier, 72 four lists "
    "and trees, 64 two locks, 320 all else. Notifier, index, lists and locks alone are more "
    "than 256: without another design it does not get there. Inserting is 1.08 at a million "
    "of what it is at 1,000. A munmap that takes all costs 12,000 to 14,000 instructions for "
    "each pin (26,000 to 33,000 before B4's change, as in the table with a million), most of "
    "them for its own work and its own event; the process had a context that did not read them.",
    "B12, one boot: nothing missed and nothing false by a pin, by a declared range, or by "
    "on-demand paging. Told of what seems to be beside the range: on xfs, when another "
    "truncates the file behind it and closes it, and on DAX, when a hole is punched or the file is "
    "truncated anywhere: there the pages are taken without us, too (lines of nobody). "
    "userfaultfd misses what is done to the file and migration, leases all that the process "
    "does itself.",
]

NOT_MEASURED = [
    "Other kernels than those above, and more boots than it says there: five are wanted, the "
    "headings say how many there were.",
    "Hardware: there was none. Commands for real devices are in README.md.",
    "Time: an instruction is a nanosecond here, whatever it does. What caches, TLBs, "
    "contention and wake-ups cost is not in these numbers.",
]

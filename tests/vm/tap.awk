# SPDX-License-Identifier: GPL-2.0-only
#
# Reads the stream of a guest run (#begin NAME, TAP, #end NAME STATUS) and
# writes it with the test's name as prefix. Sums go to the file `sums` as
# "passed failed skipped", the names of all points to the file `seen`, of the tests
# that failed to the file `bad`.
#
# After #again the test that has not ended comes once more, in another guest.
#
# Must never count a test as passed that ended without a plan or with a status.
function point(good, text) {
	print test ": " text
	fflush()
	if (good == "skip")
		skip++
	else if (good)
		pass++
	else
		fail++
}
function problem(text) {
	point(0, "not ok - " text)
}
function finish(status) {
	if (plan == "")
		problem("no plan: it did not get to its end")
	else if (!points)
		problem("no points")
	else if (plan != points)
		problem("planned " plan " points, made " points)
	if (status != 0 && !broken)
		problem("exit status " status)
	passed += pass
	failed += fail
	skipped += skip
	printf "%s", names > seen
	if (fail)
		print test > bad
	forget()
}
function forget() {
	test = names = plan = ""
	points = broken = pass = fail = skip = 0
}
{ sub(/\r$/, "") }
/^#begin / { test = $2; next }
/^#again/ { print "once more, in another guest: " test; forget(); next }
/^#end / { finish($3); next }
test == "" { print; next }
/^1\.\.[0-9]+/ { plan = substr($1, 4) + 0; print test ": " $0; next }
/^(not )?ok / {
	points++
	good = !/^not /
	if (good && / # SKIP/)
		good = "skip"
	broken += !good
	point(good, $0)
	name = $0
	sub(/^(not )?ok [0-9]+( -)? ?/, "", name)
	sub(/ # SKIP.*/, " # SKIP", name)
	names = names test ": " name "\n"
	next
}
{ print test ": " $0 }
END {
	if (test != "")
		finish(1)
	if (passed + failed + skipped == 0)
		failed = 1
	print passed + 0, failed + 0, skipped + 0 > sums
}

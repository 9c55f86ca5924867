# SPDX-License-Identifier: GPL-2.0-only
#
# The program in the EXAMPLES of a man page: what stands between .EX and .EE
# there, without troff's escapes. Must never mend it.
/^\.SH/ { examples = /EXAMPLES/ }
/^\.EE/ { program = 0 }
program { gsub(/\\-/, "-"); gsub(/\\e/, "\\"); gsub(/\\&/, ""); print }
/^\.EX/ { program = examples }

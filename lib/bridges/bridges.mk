# SPDX-License-Identifier: GPL-2.0-only
#
# librevoke-NAME.so.1 for each NAME whose library is there, from NAME.c, NAME.map and
# <revoke/NAME.h>; and the Python module, which is only installed: PYTHONDIR is where
# Debian's python3 looks if PREFIX is /usr. Part of lib/Makefile, whose words it uses.
#
# Must never be what librevoke itself needs.
there = $(shell pkg-config --exists $(1) && echo $(2))

bridge_ofi := libfabric
bridge_ucx := ucx
bridge_verbs := libibverbs
bridges := $(foreach b,ofi ucx verbs,$(call there,$(bridge_$(b)),$(b)))
bridge_libs := $(bridges:%=$(O)/lib/librevoke-%.so)

$(O)/lib/librevoke-%.so.1: $(lib)bridges/%.c $(lib)bridges/%.map \
		$(lib)include/revoke/%.h $(lib)include/revoke/revoke.h \
		$(O)/lib/librevoke.so
	$(CC) $(flags) $(shell pkg-config --cflags $(bridge_$*)) $(CPPFLAGS) \
		$(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(@F) \
		-Wl,--version-script=$(lib)bridges/$*.map -Wl,-z,defs -Wl,--as-needed -o $@ $< \
		-L$(O)/lib -lrevoke $(shell pkg-config --libs $(bridge_$*)) -pthread

$(bridge_libs): %: %.1
	ln -sf $(<F) $@

PYTHONDIR ?= $(PREFIX)/lib/python3/dist-packages

bridges: $(bridge_libs)

install: install-bridges install-python
install-bridges: all
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/include/revoke
	@set -e; for b in $(bridges); do \
		install -m 644 $(O)/lib/librevoke-$$b.so.1 $(DESTDIR)$(LIBDIR); \
		ln -sf librevoke-$$b.so.1 $(DESTDIR)$(LIBDIR)/librevoke-$$b.so; \
		install -m 644 $(lib)include/revoke/$$b.h \
			$(DESTDIR)$(PREFIX)/include/revoke; \
		sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
			-e 's|@VERSION@|$(VERSION)|' $(lib)bridges/$$b.pc.in \
			> $(DESTDIR)$(LIBDIR)/pkgconfig/librevoke-$$b.pc; \
	done

install-python:
	install -D -m 644 -t $(DESTDIR)$(PYTHONDIR) $(lib)bridges/python/revoke.py

.PHONY: bridges install-bridges install-python

# SPDX-License-Identifier: GPL-2.0-only
#
# librevoke-NAME.so.1 for each NAME whose library is there, from NAME.c, NAME.map and
# <revoke/NAME.h>. Part of lib/Makefile, whose words it uses.
#
# Must never be what librevoke itself needs.
there = $(shell pkg-config --exists $(1) && echo $(2))

bridge_verbs := libibverbs
bridges := $(foreach b,verbs,$(call there,$(bridge_$(b)),$(b)))
bridge_libs := $(bridges:%=$(O)/lib/librevoke-%.so)

$(O)/lib/librevoke-%.so.1: $(lib)bridges/%.c $(lib)bridges/%.map \
		$(lib)include/revoke/%.h $(lib)include/revoke/revoke.h \
		$(O)/lib/librevoke.so
	$(CC) $(flags) $(shell pkg-config --cflags $(bridge_$*)) $(CPPFLAGS) \
		$(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(@F) \
		-Wl,--version-script=$(lib)bridges/$*.map -Wl,-z,defs -o $@ $< \
		-L$(O)/lib -lrevoke $(shell pkg-config --libs $(bridge_$*)) -pthread

$(bridge_libs): %: %.1
	ln -sf $(<F) $@

bridges: $(bridge_libs)

install: install-bridges
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

.PHONY: bridges install-bridges

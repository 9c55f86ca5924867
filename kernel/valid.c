// SPDX-License-Identifier: GPL-2.0-only
/*
 * Validity without a system call: pages behind the descriptor of a context, to
 * be mapped and read, with a word for each of its pins that changes whenever the
 * pin is taken.
 *
 *      here                                  whoever needs the pages
 *      generation = word
 *      the driver pins
 *                                            ->invalidate(): pin->lock, word + 1
 *                                            the page table is changed
 *      word == generation?
 *
 * Had the driver pinned what was there before, the word has changed when that
 * went. A word never has the same value twice, whichever pin it serves.
 *
 * Must never be writable for anybody, nor keep who takes a pin waiting.
 */
#include <linux/gfp.h>
#include <linux/idr.h>
#include <linux/mm.h>

#include "core.h"

#define PINR_WORDS_PER_PAGE	(PAGE_SIZE / sizeof(u64))

static u64 *pinr_word_at(struct pinr_ctx *ctx, unsigned int nr)
{
	struct page **at = &ctx->pages[nr / PINR_WORDS_PER_PAGE];
	struct page *page = READ_ONCE(*at);

	if (!page) {
		page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!page)
			return NULL;
		/* Somebody else may have been first. */
		if (cmpxchg(at, NULL, page)) {
			__free_page(page);
			page = READ_ONCE(*at);
		}
	}
	return (u64 *)page_address(page) + nr % PINR_WORDS_PER_PAGE;
}

/* Kept for the next: many declare one range at a time. */
static void pinr_word_spare(struct pinr_ctx *ctx, unsigned int nr)
{
	int old = xchg(&ctx->spare_word, nr + 1);

	if (old)
		ida_free(&ctx->words, old - 1);
}

static u64 *pinr_word_new(struct pinr_ctx *ctx, struct pin_revoke_pin *pin)
{
	int nr = xchg(&ctx->spare_word, 0) - 1;
	u64 *word;

	if (nr < 0)
		nr = ida_alloc_max(&ctx->words, PIN_REVOKE_MAX_WORDS - 1,
				   GFP_KERNEL_ACCOUNT);
	if (nr < 0)
		return ERR_PTR(nr == -ENOSPC ? -EDQUOT : nr);
	word = pinr_word_at(ctx, nr);
	if (!word) {
		pinr_word_spare(ctx, nr);
		return ERR_PTR(-ENOMEM);
	}
	kref_get(&ctx->ref);
	pin->word_ctx = ctx;
	pin->word_nr = nr;
	return word;
}

/* As pinr_word_get(), for a pin that nobody knows yet. */
int pinr_word_first(struct pinr_ctx *ctx, struct pin_revoke_pin *pin)
{
	u64 *word = pinr_word_new(ctx, pin);

	if (IS_ERR(word))
		return PTR_ERR(word);
	pin->word = word;
	pin->generation = *word;
	return 0;
}

/**
 * pinr_word_get - give a pin a word of a context
 * @ctx: the context, which stays as long as the pin has the word
 * @pin: one of its pins, which may have one already
 *
 * Sets @pin->generation to what the word is until the pin is taken.
 *
 * Context: process context; one at a time for a pin.
 * Return: 0; -EDQUOT the context has no word left; -ENOMEM.
 */
int pinr_word_get(struct pinr_ctx *ctx, struct pin_revoke_pin *pin)
{
	u64 *word = pin->word ?: pinr_word_new(ctx, pin);

	if (IS_ERR(word))
		return PTR_ERR(word);
	mutex_lock(&pin->lock);
	pin->word = word;
	pin->generation = *word;
	/* Taken before it had one. */
	if (pin->state != PIN_REVOKE_STATE_ACTIVE &&
	    pin->state != PIN_REVOKE_STATE_ASKED)
		pinr_word_change(pin);
	mutex_unlock(&pin->lock);
	return 0;
}

/* Takes it away again, changed: whoever still looks sees that. May sleep. */
void pinr_word_put(struct pin_revoke_pin *pin)
{
	struct pinr_ctx *ctx = pin->word_ctx;

	if (!ctx)
		return;
	mutex_lock(&pin->lock);
	pinr_word_change(pin);
	pin->word = NULL;
	mutex_unlock(&pin->lock);
	pin->word_ctx = NULL;
	pinr_word_spare(ctx, pin->word_nr);
	pinr_ctx_put(ctx);
}

/* Nobody has a word of it any more. What is mapped keeps its pages. */
void pinr_words_free(struct pinr_ctx *ctx)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ctx->pages); i++)
		if (ctx->pages[i])
			__free_page(ctx->pages[i]);
	ida_destroy(&ctx->words);
}

static vm_fault_t pinr_words_fault(struct vm_fault *vmf)
{
	struct pinr_ctx *ctx = vmf->vma->vm_file->private_data;
	struct page *page = NULL;

	if (vmf->pgoff < ARRAY_SIZE(ctx->pages))
		page = READ_ONCE(ctx->pages[vmf->pgoff]);
	/* Where no pin has had a word yet, or behind the end. */
	if (!page)
		return VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

static int pinr_words_mprotect(struct vm_area_struct *vma, unsigned long start,
			       unsigned long end, unsigned long newflags)
{
	return newflags & (VM_WRITE | VM_EXEC) ? -EACCES : 0;
}

static const struct vm_operations_struct pinr_words_ops = {
	.fault = pinr_words_fault,
	.mprotect = pinr_words_mprotect,
};

/*
 * A child of fork() has the mapping too, as it has the descriptor: it reads of the
 * parent's pins. Made longer it ends in SIGBUS.
 */
int pinr_words_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_flags & (VM_WRITE | VM_EXEC))
		return -EACCES;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	vma->vm_ops = &pinr_words_ops;
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/safe_text.h"
#include "terminal.h"

/* ---- styles ------------------------------------------------------------------------------ */

#define TOKEN_BYTES 18 /* a control character, 16 digits, a letter for the style */
#define TOKEN_MARK '\001'

static char token[STYLES][TOKEN_BYTES + 1];

static void make_tokens(void)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = clock_ns(CLOCK_MONOTONIC) ^ (uintptr_t)&number;
	for (int s = 0; s < STYLES; s++)
		snprintf(token[s], sizeof(token[s]), "%c%016" PRIx64 "%c", TOKEN_MARK, number,
			 'a' + s);
}

const char *style_sequence(enum style s)
{
	static const char *const sequence[STYLES] = {
		[STYLE_PLAIN] = "\033[0m",  [STYLE_BOLD] = "\033[1m",
		[STYLE_DIM] = "\033[2m",    [STYLE_RED] = "\033[31m",
		[STYLE_GREEN] = "\033[32m", [STYLE_YELLOW] = "\033[33m",
		[STYLE_CYAN] = "\033[36m",  [STYLE_CLEAR_LINE] = "\r\033[K",
	};

	return sequence[s];
}

bool style_wanted(FILE *f)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(no && *no) && !(term && !strcmp(term, "dumb")) && terminal_is(f);
}

const char *style(FILE *f, enum style s)
{
	bool wanted = s == STYLE_CLEAR_LINE ? terminal_is(f) : style_wanted(f);

	return wanted ? token[s] : "";
}

/* Which style the text at s switches to; STYLES: none. */
static int style_at(const char *s, size_t len)
{
	int i = 0;

	if (len < TOKEN_BYTES)
		return STYLES;
	while (i < STYLES && memcmp(s, token[i], TOKEN_BYTES) != 0)
		i++;
	return i;
}

/* ---- the door ---------------------------------------------------------------------------- */

struct door {
	int fd;
	struct buf in;	/* of what was written, what waits for its end */
	struct buf out; /* scratch */
};

static struct door doors[] = {{.fd = STDOUT_FILENO}, {.fd = STDERR_FILENO}};

/* Takes what is whole, leaves the rest. */
static void pass(struct door *d, bool last)
{
	size_t done = 0;

	while (done < d->in.len) {
		const char *s = d->in.s + done;
		size_t left = d->in.len - done;
		const char *mark = memchr(s, TOKEN_MARK, left);
		size_t text = mark ? (size_t)(mark - s) : left, taken;
		int which;

		taken = text ? safe_lines(&d->out, s, text, last || mark) : 0;
		done += taken;
		if (!mark || taken < text)
			break;
		left -= text;
		which = style_at(mark, left);
		if (which == STYLES && left < TOKEN_BYTES && !last)
			break;
		if (which < STYLES)
			buf_str(&d->out, style_sequence((enum style)which));
		else
			safe_lines(&d->out, mark, 1, true);
		done += which < STYLES ? TOKEN_BYTES : 1;
	}
	memmove(d->in.s, d->in.s + done, d->in.len - done);
	d->in.len -= done;
}

static bool write_all(int fd, const char *s, size_t len)
{
	while (len) {
		ssize_t done = write(fd, s, len);

		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			s += done;
			len -= (size_t)done;
		}
	}
	return true;
}

static bool flush(struct door *d)
{
	bool done = !d->out.failed && write_all(d->fd, d->out.s, d->out.len);

	d->out.len = 0;
	return done;
}

static ssize_t write_door(void *cookie, const char *s, size_t len)
{
	struct door *d = cookie;

	buf_add(&d->in, s, len);
	if (d->in.failed) {
		errno = ENOMEM;
		return 0;
	}
	pass(d, false);
	return flush(d) ? (ssize_t)len : 0;
}

/* What never got its end. */
static void close_doors(void)
{
	fflush(stdout);
	fflush(stderr);
	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++) {
		if (doors[i].in.len) {
			pass(&doors[i], true);
			flush(&doors[i]);
		}
		buf_release(&doors[i].in);
		buf_release(&doors[i].out);
	}
}

static void put_door(FILE **f, struct door *d, int mode)
{
	const cookie_io_functions_t functions = {.write = write_door};
	FILE *with = isatty(d->fd) ? fopencookie(d, "w", functions) : NULL;

	if (!with)
		return;
	setvbuf(with, NULL, mode, 0);
	*f = with;
}

void terminal_guard(void)
{
	make_tokens();
	put_door(&stdout, &doors[0], _IOLBF);
	put_door(&stderr, &doors[1], _IONBF);
	atexit(close_doors);
}

bool terminal_is(FILE *f)
{
	return isatty(f == stdout ? STDOUT_FILENO : STDERR_FILENO);
}

void terminal_line(FILE *f, const char *fmt, ...)
{
	struct buf safe = {0};
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	safe_text(&safe, text, (size_t)len);
	buf_char(&safe, '\n');
	if (!safe.failed)
		fwrite(safe.s, 1, safe.len, f);
	buf_release(&safe);
	free(text);
}

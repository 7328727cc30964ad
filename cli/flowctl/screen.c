/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "columns.h"
#include "screen.h"

/* Another screen, no cursor; and back. */
#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"

static struct termios before;
static bool inside, keys;

bool screen_is_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb");
}

static bool write_all(const char *s, size_t len)
{
	while (len) {
		ssize_t done = write(STDOUT_FILENO, s, len);

		if (done < 0 && errno != EINTR && errno != EAGAIN)
			return false;
		if (done > 0) {
			s += done;
			len -= (size_t)done;
		}
	}
	return true;
}

void screen_enter(void)
{
	static bool registered;
	struct termios raw;

	if (!registered)
		registered = !atexit(screen_leave);
	/* Without a terminal to type on there are no keys. */
	keys = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &before);
	if (keys) {
		raw = before;
		raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO); /* Ctrl-C and Ctrl-Z stay */
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	write_all(ENTER, sizeof(ENTER) - 1);
	inside = true;
}

void screen_leave(void)
{
	if (!inside)
		return;
	inside = false;
	write_all(LEAVE, sizeof(LEAVE) - 1);
	if (keys)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

void screen_begin(struct screen *s)
{
	struct winsize size;

	s->width = 80;
	s->height = 24;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col && size.ws_row) {
		s->width = size.ws_col;
		s->height = size.ws_row;
	}
	s->line = 0;
	buf_clear(&s->out);
	BUF_LITERAL(&s->out, "\033[H");
}

size_t screen_room(const struct screen *s)
{
	return s->height - s->line;
}

void screen_line(struct screen *s, enum style how, const char *text, size_t len)
{
	struct buf safe = {0};

	if (!screen_room(s))
		return;
	if (s->line++)
		BUF_LITERAL(&s->out, "\r\n");
	/* First: after a line that is full it would take the last character. */
	BUF_LITERAL(&s->out, "\033[K");
	if (how != STYLE_PLAIN && style_wanted(stdout))
		buf_str(&s->out, style_sequence(how));
	safe_text(&safe, text, len);
	cut_text(&s->out, safe.s ? safe.s : "", safe.len, s->width, false);
	buf_release(&safe);
	if (how != STYLE_PLAIN && style_wanted(stdout))
		buf_str(&s->out, style_sequence(STYLE_PLAIN));
}

bool screen_end(struct screen *s)
{
	if (screen_room(s))
		BUF_LITERAL(&s->out, "\r\n\033[J");
	return !s->out.failed && write_all(s->out.s, s->out.len);
}

void screen_release(struct screen *s)
{
	buf_release(&s->out);
}

/* SPDX-License-Identifier: MIT */
/*
 * man(7) in pieces. Every '-' is written \-: a reader may copy it into a shell.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "manual.h"

#define SOURCE_WIDTH 60 /* of a line of the source, before what roff adds to it */

/* A character of text. */
static void put_char(FILE *f, char c)
{
	if (c == '\\')
		fputs("\\e", f);
	else if (c == '-')
		fputs("\\-", f);
	else if (c == '\'')
		fputs("\\(aq", f);
	else if (c == '"')
		fputs("\\(dq", f);
	else if (c == '^')
		fputs("\\(ha", f);
	else if (c == '~')
		fputs("\\(ti", f);
	else if (c == '`')
		fputs("\\(ga", f);
	else
		fputc(c, f);
}

/* A long word may be broken after what separates a list. */
static void put_word(FILE *f, const char *s, size_t len)
{
	bool bold = len > 1 && s[0] == '-' && (s[1] == '-' || isalpha((unsigned char)s[1]));
	size_t end = len;

	while (bold && end && strchr(".,;:)", s[end - 1]))
		end--;
	if (bold)
		fputs("\\fB", f);
	for (size_t i = 0; i < len; i++) {
		if (bold && i == end)
			fputs("\\fR", f);
		if (!i && s[i] == '.')
			fputs("\\&", f);
		put_char(f, s[i]);
		if ((s[i] == ',' || s[i] == '|') && i + 1 < len)
			fputs("\\:", f);
	}
	if (bold && end == len)
		fputs("\\fR", f);
}

void roff_text(FILE *f, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " \n");
		bool sentence = len && strchr(".?!", text[len - 1]);

		put_word(f, text, len);
		text += len;
		column += len + 1;
		if (!strncmp(text, "\n\n", 2))
			fputs("\n.PP\n", f);
		else if (*text == '\n')
			fputs("\n.br\n", f);
		else if (*text)
			/* A sentence that ends here ends its line: the typesetter likes it. */
			fputc(sentence || column > SOURCE_WIDTH ? '\n' : ' ', f);
		if (*text == '\n' || sentence || column > SOURCE_WIDTH)
			column = 0;
		text += strspn(text, " \n");
	}
	fputc('\n', f);
}

void roff_macro(FILE *f, const char *macro, const char *text)
{
	fprintf(f, ".%s \"", macro);
	while (*text)
		put_char(f, *text++);
	fputs("\"\n", f);
}

static void in_font(FILE *f, char font, const char *text)
{
	fprintf(f, "\\f%c", font);
	while (*text) {
		put_char(f, *text);
		if (strchr(",|", *text) && text[1])
			fputs("\\:", f);
		text++;
	}
	fputs("\\fR", f);
}

void roff_bold(FILE *f, const char *text)
{
	in_font(f, 'B', text);
}

void roff_italic(FILE *f, const char *text)
{
	in_font(f, 'I', text);
}

void roff_title(FILE *f, const char *name, const char *date)
{
	fputs(".\\\" Made from the tables of options: change these.\n.TH \"", f);
	for (const char *c = name; *c; c++)
		put_char(f, (char)toupper((unsigned char)*c));
	fprintf(f, "\" \"1\" \"%s\" \"FlowTrace BPF %s\" \"User Commands\"\n", date, FT_VERSION);
	fputs(".nh\n.ad l\n", f); /* no words broken, no wide gaps */
}

void roff_name(FILE *f, const char *name, const char *summary)
{
	fputs(".SH NAME\n", f);
	while (*name)
		put_char(f, *name++);
	fputs(" \\- ", f);
	roff_text(f, summary);
}

static void put_flags(FILE *f, const struct option *o)
{
	char flag[96];

	if (o->letter) {
		snprintf(flag, sizeof(flag), "-%c", o->letter);
		roff_bold(f, flag);
		fputs(", ", f);
	}
	if (o->on) {
		snprintf(flag, sizeof(flag), "--%s", o->name);
		roff_bold(f, flag);
	}
	if (o->off) {
		fputs(o->on ? ", " : "", f);
		snprintf(flag, sizeof(flag), "--no-%s", o->name);
		roff_bold(f, flag);
	}
	if (o->value) {
		fputc(' ', f);
		roff_italic(f, o->value);
	}
	fputc('\n', f);
}

static void add_word(void *arg, const char *word, size_t len)
{
	char **to = arg;

	*to += sprintf(*to, "%.*s, ", (int)len, word);
}

static void put_words(FILE *f, const char *words)
{
	char text[1024], *end = text;

	if (strlen(words) * 3 >= sizeof(text))
		return;
	each_word(words, add_word, &end);
	strcpy(end - 2, ".");
	fputs("One of\n", f);
	roff_text(f, text);
}

/* "sort: what comes first" as a sentence. */
static void put_help(FILE *f, const char *help)
{
	char text[1024];
	size_t len = (size_t)snprintf(text, sizeof(text), "%s", help);

	text[0] = (char)toupper((unsigned char)text[0]);
	if (len + 2 < sizeof(text) && !strchr(".!?", text[len - 1]))
		strcpy(text + len, ".");
	roff_text(f, text);
}

void roff_option(FILE *f, const struct option *o)
{
	fputs(".TP\n", f);
	put_flags(f, o);
	put_help(f, o->help);
	if (o->words)
		put_words(f, o->words);
	if (o->initial) {
		fputs(".br\nDefault: ", f);
		roff_text(f, o->initial);
	}
	if (o->max)
		fprintf(f, ".br\nAt most %" PRIu64 "; 0 means that.\n", o->max);
	if (!o->env)
		return;
	fputs(".br\nVariable ", f);
	roff_bold(f, o->env);
	if (o->alias) {
		fputs("\nor ", f);
		roff_bold(f, o->alias);
	}
	if (o->key) {
		fputs(", key ", f);
		roff_bold(f, o->key);
	}
	fputs(".\n", f);
}

void roff_examples(FILE *f, const char *name)
{
	bool titled = false;

	for (const struct example *e = examples; e->command; e++) {
		if (strcmp(e->name, name))
			continue;
		if (!titled)
			fputs(".SH EXAMPLES\n", f);
		else
			fputs(".PP\n", f);
		titled = true;
		roff_text(f, e->what);
		fputs(".PP\n.RS 4\n.nf\n", f);
		for (const char *c = e->command; *c; c++)
			put_char(f, *c);
		fputs("\n.fi\n.RE\n", f);
	}
}

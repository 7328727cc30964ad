/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "filter/filter.h"
#include "ft_left_out.h"
#include "filter/stdlib.h"

static bool kept(struct filter *f, const char *module, const char *file)
{
	struct function fn = {.module = (char *)module, .filename = (char *)file};
	bool keep = filter_keep(f, &fn);

	cr_assert_eq(fn.verdict, keep ? VERDICT_KEEP : VERDICT_DROP);
	return keep;
}

static struct filter *make(const char *prefix, const char *exclude)
{
	struct filter *f = NULL;

	cr_assert_eq(filter_new(&prefix, prefix ? 1 : 0, &exclude, exclude ? 1 : 0, &f), 0);
	return f;
}

Test(filter, built_in_lists)
{
	struct filter *f = make(NULL, NULL);

	cr_assert(kept(f, "myapp.models", "/srv/myapp/models.py"));
	cr_assert(kept(f, "__main__", "/srv/run.py"));
	cr_assert(kept(f, "oslo.config", "/srv/oslo/config.py"));
	cr_assert(kept(f, "tokens", "/srv/tokens.py"));
	cr_assert(kept(f, "iot", "/srv/iot.py"));
	cr_assert(kept(f, "", "/srv/x.py"));
	cr_assert_not(kept(f, "os", "/srv/os.py"));
	cr_assert_not(kept(f, "os.path", ""));
	cr_assert_not(kept(f, "importlib._bootstrap", "<frozen importlib._bootstrap>"));
	cr_assert_not(kept(f, "namedtuple_Point", "<string>"));
	cr_assert(kept(f, "namedtuple_tools", "/srv/namedtuple_tools.py"));
	cr_assert_not(kept(f, "flask.app", "/v/lib/python3.11/site-packages/flask/app.py"));
	cr_assert_not(kept(f, "yaml", "/usr/lib/python3/dist-packages/yaml/__init__.py"));
	filter_free(f);
}

static bool kept_name(struct filter *f, const char *qualname, const char *class_name,
		      const char *name, const char *module)
{
	struct function fn = {.module = (char *)module,
			      .filename = "",
			      .name = (char *)name,
			      .qualname = (char *)qualname,
			      .class_name = (char *)class_name};
	bool keep = filter_keep(f, &fn);

	if (strcmp(module, "m"))
		cr_assert(!keep && !fn.left_out, "not asked for, so it does not count");
	else
		cr_assert_eq(fn.left_out, keep ? 0 : FT_LEFT_OUT_function);
	return keep;
}

/* By the name or the qualified name; up to 3.10 that is the class and the name. */
Test(filter, functions)
{
	char *const pattern[] = {"pay*", "Cart.[a-c]dd", "f.<locals>.g"};
	struct filter *f = make("m", NULL);

	filter_functions(f, pattern, 3);
	cr_assert(kept_name(f, "pay", "m", "pay", "m"));
	cr_assert(kept_name(f, "Till.pay_all", "m.Till", "pay_all", "m"));
	cr_assert(kept_name(f, NULL, "m.Till", "pay_all", "m"));
	cr_assert(kept_name(f, "Cart.add", "m.Cart", "add", "m"));
	cr_assert(kept_name(f, NULL, "m.Cart", "add", "m"));
	cr_assert(kept_name(f, "f.<locals>.g", "m", "g", "m"));
	cr_assert_not(kept_name(f, "Cart.zdd", "m.Cart", "zdd", "m"));
	cr_assert_not(kept_name(f, NULL, "m", "add", "m"));
	cr_assert_not(kept_name(f, "repay", "m", "repay", "m"));
	cr_assert_not(kept_name(f, "pay", "other", "pay", "other"));
	filter_functions(f, NULL, 0);
	cr_assert(kept_name(f, "repay", "m", "repay", "m"));
	filter_free(f);
}

Test(filter, library_directory)
{
	struct filter *f = make(NULL, NULL);

	cr_assert_not(kept(f, "test.support", "/usr/lib/python3.11/test/support/__init__.py"));
	cr_assert_not(kept(f, "new_one", "/usr/lib64/python3.15/new_one.py"));
	cr_assert_not(kept(f, "new_one", "/opt/lib/python3.14t/new_one.py"));
	cr_assert(kept(f, "app", "/srv/lib/python/app.py"));
	cr_assert(kept(f, "app", "/srv/lib/python3/app.py"));
	cr_assert(kept(f, "app", "/srv/python3.11/app.py"));
	filter_free(f);
}

Test(filter, prefix_wins_over_the_lists)
{
	struct filter *f = make("json", NULL);

	cr_assert(kept(f, "json.decoder", "/usr/lib/python3.11/json/decoder.py"));
	cr_assert(kept(f, "jsonschema", "/v/lib/python3.11/site-packages/jsonschema/x.py"));
	cr_assert_not(kept(f, "myapp", "/srv/myapp.py"));
	filter_free(f);
}

Test(filter, exclude_wins_over_everything)
{
	struct filter *f = make("myapp", "myapp.noise");

	cr_assert(kept(f, "myapp.models", "/srv/x.py"));
	cr_assert_not(kept(f, "myapp.noise.x", "/srv/x.py"));
	filter_free(f);
	f = make(NULL, "myapp");
	cr_assert_not(kept(f, "myapplication", "/srv/x.py"));
	cr_assert(kept(f, "other", "/srv/x.py"));
	filter_free(f);
}

Test(filter, a_policy_wins_over_the_own_prefixes)
{
	struct filter *f = make("own", "shop.noise");
	char *prefix[] = {(char *)"json"}, *exclude[] = {(char *)"shop.secret"};
	struct policy p = {.number = 1, .prefix = prefix, .nprefix = 1};
	struct policy all = {.number = 2, .exclude = exclude, .nexclude = 1};
	static const struct {
		int policy;
		const char *module;
		bool live, replay;
	} rows[] = {
		{1, "json.decoder", true, false}, {1, "own.x", false, false},
		{2, "own.x", true, true},	  {2, "shop.secret", false, false},
		{2, "shop.noise", true, false},	  {2, "json", false, false},
	};

	for (int replay = 0; replay < 2; replay++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct function fn = {.module = (char *)rows[i].module,
					      .filename = (char *)"/srv/x.py",
					      .policy = rows[i].policy == 1 ? &p : &all};

			cr_expect_eq(filter_keep(f, &fn), replay ? rows[i].replay : rows[i].live,
				     "%s by %d, replay %d", rows[i].module, rows[i].policy, replay);
		}
		filter_narrow(f);
	}
	filter_free(f);
}

Test(filter, decides_once)
{
	struct filter *f = make("myapp", NULL);
	struct function fn = {
		.module = (char *)"other", .filename = (char *)"x", .verdict = VERDICT_KEEP};

	cr_assert(filter_keep(f, &fn));
	filter_free(f);
}

Test(filter, standard_library)
{
	static const char *const yes[] = {
		"__future__", "_abc",		"zoneinfo",	  "zlib",
		"os",	      "distutils.core", "annotationlib",  "asyncore",
		"tomllib",    "_bootlocale",	"xml.dom.minidom"};
	static const char *const no[] = {"", "o", "osx", "OS", "__main__", "zzz", "_", ".os"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		cr_assert(stdlib_has(yes[i]), "%s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		cr_assert_not(stdlib_has(no[i]), "%s", no[i]);
}

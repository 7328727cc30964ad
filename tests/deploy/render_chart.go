// SPDX-License-Identifier: MIT

// render_chart: `helm template` in small, for where helm is not to be had: Go's own template engine,
// which is the one that helm has, and the few functions that the chart uses. Standard input is
// {"values", "release", "namespace", "chart", "templates": {name: text}}; the answer is on standard output.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
	"text/template"
)

type chart struct {
	Values    map[string]interface{}
	Release   string
	Namespace string
	Chart     map[string]interface{}
	Templates map[string]string
}

func toJson(value interface{}) (string, error) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return strings.TrimSuffix(text.String(), "\n"), err
}

// A line for each entry; what is in an entry is JSON, which is YAML too.
func toYaml(value interface{}) (string, error) {
	lines := []string{}
	add := func(prefix string, value interface{}) error {
		text, err := toJson(value)
		lines = append(lines, prefix+text)
		return err
	}
	switch known := value.(type) {
	case map[string]interface{}:
		for key, entry := range known {
			if err := add(key+": ", entry); err != nil {
				return "", err
			}
		}
		sort.Strings(lines)
	case []interface{}:
		for _, entry := range known {
			if err := add("- ", entry); err != nil {
				return "", err
			}
		}
	default:
		return "", fmt.Errorf("toYaml of %T", value)
	}
	if len(lines) == 0 {
		return toJson(value)
	}
	return strings.Join(lines, "\n"), nil
}

func nindent(columns int, text string) string {
	line := "\n" + strings.Repeat(" ", columns)
	return line + strings.ReplaceAll(text, "\n", line)
}

func orDefault(standard, value interface{}) interface{} {
	if value == nil || value == "" {
		return standard
	}
	return value
}

func quote(value interface{}) string { return fmt.Sprintf("%q", fmt.Sprint(value)) }

func render(c *chart) error {
	functions := template.FuncMap{"toJson": toJson, "toYaml": toYaml, "nindent": nindent,
		"default": orDefault, "quote": quote}
	scope := map[string]interface{}{"Values": c.Values, "Chart": c.Chart,
		"Release": map[string]string{"Name": c.Release, "Namespace": c.Namespace}}
	for name, text := range c.Templates {
		parsed, err := template.New(name).Option("missingkey=error").Funcs(functions).Parse(text)
		if err == nil {
			fmt.Println("---")
			err = parsed.Execute(os.Stdout, scope)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func main() {
	var c chart
	err := json.NewDecoder(os.Stdin).Decode(&c)
	if err == nil {
		err = render(&c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

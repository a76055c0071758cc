package sense

import (
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// The kernel counts thousandths of a degree (Documentation/ABI/testing/sysfs-class-thermal, sysfs-class-hwmon). What is
// outside of these bounds is a sensor that is not there.
const coldest, hottest = -100_000, 250_000

// temperatures reads thermal zones and sensors; of two of a name the hotter counts.
func temperatures(sys fs.FS) map[string]any {
	found := map[string]any{}
	add := func(name, file string) {
		text, err := fs.ReadFile(sys, file)
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil || n < coldest || n > hottest {
			return
		}
		degrees := int(math.Round(float64(n) / 1000))
		for _, metric := range []string{"temperature", "temperature." + name} {
			if old, known := found[metric].(int); !known || degrees > old {
				found[metric] = degrees
			}
		}
	}
	zones, _ := fs.Glob(sys, "class/thermal/thermal_zone*") // the only error is a malformed pattern
	for _, zone := range zones {
		add(word(sys, zone+"/type", path.Base(zone)), zone+"/temp")
	}
	inputs, _ := fs.Glob(sys, "class/hwmon/hwmon*/temp*_input")
	for _, input := range inputs {
		dir, base := path.Dir(input), strings.TrimSuffix(path.Base(input), "_input")
		add(word(sys, dir+"/name", path.Base(dir))+"-"+word(sys, dir+"/"+base+"_label", base), input)
	}
	return found
}

// word is a name of the kernel's as a metric has it: small letters, digits and hyphens.
func word(sys fs.FS, file, otherwise string) string {
	text, err := fs.ReadFile(sys, file)
	if err != nil {
		return otherwise
	}
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, strings.TrimSpace(string(text)))
	if name == "" {
		return otherwise
	}
	return name
}

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"vitrine/agent/bundle/folder"
)

// Exit codes.
const (
	exitRight   = 0
	exitRefused = 1
	exitUsage   = 2
)

// verb is one thing that the command can do.
type verb struct {
	name    string
	args    string // how its arguments are written
	short   string // one line
	example string
	run     func(ctx context.Context, c *call) error
}

// call is one use of a verb.
type call struct {
	verb   verb
	args   []string // as given, flags included
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	hangUp func() // ends what connections a relay's client has kept; nil = there is none
}

// usageError is a fault of the command line, not of the work.
type usageError struct{ reason string }

func (e *usageError) Error() string { return e.reason }

func usage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

func verbs() []verb {
	return []verb{
		{"new", "DIR", "make a bundle's folder that plays as it stands", "vitrine new menu --template menu-board --lang fr", runNew},
		{"check", "DIR", "find everything that is wrong with a folder", "vitrine check lobby", runCheck},
		{"preview", "DIR -o out.png", "draw what the screen shows at an instant, or film it", "vitrine preview lobby --at 2027-01-04T12:30 --video out.mp4 --for 30s", runPreview},
		{"explain", "[DIR]", "say for every event why it plays, or why not", "vitrine explain lobby --at 2027-01-04T12:30 --group canteen", runExplain},
		{"timeline", "DIR", "list every change of what is on, or draw a calendar", "vitrine timeline lobby --from 2027-01-04 --to 2027-01-11 --html week.html", runTimeline},
		{"conflicts", "DIR", "find the events that can never show", "vitrine conflicts lobby --group canteen", runConflicts},
		{"test", "DIR", "run the bundle's own tests", "vitrine test lobby", runTest},
		{"source", "test DIR NAME", "read one source of a folder here and now: rows, types, times, what was dropped", "vitrine source test lobby menus --secrets secrets.json", runSource},
		{"import", "FILE --into DIR", "take events from a calendar (.ics), a scene from a playlist (.m3u)", "vitrine import holidays.ics --into lobby --scene closed --print", runImport},
		{"key", "new | show | sign …", "make, change and use the keys that sign bundles", "vitrine key new --customer acme", runKey},
		{"trust", "BUNDLE | DIR | --player ID", "say in words who may sign what, and who no longer", "vitrine trust lobby.vitrine", runTrust},
		{"build", "DIR -o FILE | -publish", "test, hash and sign a bundle", "vitrine build lobby -o lobby.vitrine", runBuild},
		{"inspect", "FILE", "say who signed a bundle and check every byte", "vitrine inspect lobby.vitrine", runInspect},
		{"usb", "write DIR|BUNDLE STICK", "put a bundle onto a stick, and read it back", "vitrine usb write lobby /media/stick --group canteen --until 2027-02-01 --prune", runUSB},
		{"connect", "URL", "remember which relay to talk to", "vitrine connect https://relay.example:8443 --ca ca.pem --token-file token", runConnect},
		{"push", "FILE", "publish a built bundle on the relay", "vitrine push lobby.vitrine --to '*'", runPush},
		{"players", "", "list the relay's players", "vitrine players --json", runPlayers},
		{"claim", "CODE --name NAME", "take in the player that shows a code", "vitrine claim BCDF-GHJK --name 'Lobby left' --group lobby", runClaim},
		{"alert", "send | cancel | list", "show a public warning (CAP) on the screens, end it, list them", "vitrine alert send --headline 'fr=Évacuez le hall' --headline 'en=Leave the hall' --severity Severe --expires 2h --group lobby", runAlert},
		{"secret", "send | seal | remove", "give players what they prove themselves with to the house's servers", "vitrine secret send smb-canteen --for abcd1234efgh --host files.example.lan --user screen", runSecret},
		{"parcel", "settings | relay | update | sign | show | send | list", "send players settings, another relay, new programs; or put them on a stick", "vitrine parcel settings --group lobby --volume 60 --stick /media/stick", runParcel},
		{"export", "key | order | read | push", "fetch what players have to tell by a stick", "vitrine export order --stick /media/stick", runExport},
		{"plays", "export | verify [FILE]", "write what a player has shown, or check that nobody has changed it", "vitrine plays export --player ID --from 2027-01-04 -o week.csv", runPlays},
	}
}

// run does what the arguments say and gives the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		overview(stderr)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if len(args) > 1 {
			args = []string{args[1], "--help"}
			break
		}
		overview(stdout)
		return exitRight
	}
	for _, v := range verbs() {
		if v.name == args[0] {
			c := &call{verb: v, args: args[1:], stdin: stdin, stdout: stdout, stderr: stderr}
			err := v.run(ctx, c)
			if c.hangUp != nil {
				c.hangUp()
			}
			return finish(v, err, stderr)
		}
	}
	fmt.Fprintf(stderr, "vitrine: there is no verb %q; \"vitrine help\" lists them\n", args[0])
	return exitUsage
}

// finish words an error for whoever typed the command.
func finish(v verb, err error, stderr io.Writer) int {
	var wrong *usageError
	var problems folder.Problems
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitRight
	case errors.As(err, &wrong):
		fmt.Fprintf(stderr, "vitrine %s: %v\nusage: vitrine %s %s\nexample: %s\n", v.name, wrong, v.name, v.args, v.example)
		return exitUsage
	case errors.Is(err, errSaid):
		return exitRefused
	case errors.As(err, &problems):
		fmt.Fprintln(stderr, err)
		fmt.Fprintf(stderr, "vitrine %s: %s\n", v.name, count(len(problems), "problem"))
		return exitRefused
	}
	fmt.Fprintf(stderr, "vitrine %s: %v\n", v.name, err)
	return exitRefused
}

// errSaid ends a verb whose answer has said already what is wrong.
var errSaid = errors.New("refused")

func overview(w io.Writer) {
	fmt.Fprint(w, "vitrine makes, checks, builds, publishes and explains bundles for screens.\n\n")
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-34s %s\n", v.name+" "+v.args, v.short)
	}
	fmt.Fprint(w, "\n\"vitrine VERB --help\" says more, with an example. Exit codes: 0 right, 1 refused, 2 wrong usage.\n")
}

// flags is the verb's flag set; its help shows the example.
func (c *call) flags() *flag.FlagSet {
	fs := flag.NewFlagSet("vitrine "+c.verb.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return fs
}

// parse reads flags wherever they stand between the arguments, and gives the arguments.
func (c *call) parse(fs *flag.FlagSet) ([]string, error) {
	var plain []string
	rest := c.args
	for {
		err := fs.Parse(rest)
		if errors.Is(err, flag.ErrHelp) {
			c.help(fs)
			return nil, err
		}
		if err != nil {
			return nil, usage("%s", strings.Replace(err.Error(), "flag provided but not defined:", "there is no flag", 1))
		}
		if fs.NArg() == 0 {
			return plain, nil
		}
		done := len(rest) - fs.NArg()
		if done > 0 && rest[done-1] == "--" {
			return append(plain, fs.Args()...), nil
		}
		plain = append(plain, fs.Arg(0))
		rest = fs.Args()[1:]
	}
}

// one is parse for verbs that take exactly one argument.
func (c *call) one(fs *flag.FlagSet, what string) (string, error) {
	args, err := c.parse(fs)
	if err != nil {
		return "", err
	}
	if len(args) != 1 || args[0] == "" {
		return "", usage("give exactly one %s", what)
	}
	return args[0], nil
}

func (c *call) help(fs *flag.FlagSet) {
	fmt.Fprintf(c.stdout, "vitrine %s %s: %s\n\n", c.verb.name, c.verb.args, c.verb.short)
	fs.SetOutput(c.stdout)
	fs.PrintDefaults()
	fmt.Fprintf(c.stdout, "\nexample: %s\n", c.verb.example)
}

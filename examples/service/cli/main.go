// Nescio is the terminal client of the account service. It keeps an account's
// notes and logins on this device, encrypted, online and offline.
//
//	go run -C examples/service ./cli signup alice
//	go run -C examples/service ./cli add -kind note -title Shopping
//	go run -C examples/service ./cli list
//
// The command help COMMAND explains a command. The exit status is 0, 1 if
// something failed, or 2 for a wrong command line.
//
// On a terminal, passwords are typed without echo, and new passwords twice. If
// the standard input is not a terminal, each password, code, name or yes is one
// line of it, in the order in which the program would ask. New passwords then
// occur once. The help of each command lists its lines.
//
// The environment variables NESCIO_SERVER and NESCIO_FOLDER replace the
// defaults of -server and -folder.
package main

import "github.com/nescio-go/nescio/examples/internal/cli"

var program *cli.Program

func init() {
	program = &cli.Program{
		Name:    "nescio",
		Path:    "-C examples/service ./cli",
		Summary: "Nescio is the terminal client of the account service.",
		Commands: []cli.Command{
			command("signup", "make an account and log in", signupUsage, signup),
			command("login", "log in on this device", loginUsage, login),
			command("logout", "end the session of this device", logoutUsage, logout),
			command("list", "list the items", listUsage, list),
			command("show", "print an item", showUsage, show),
			command("add", "add a note, or a login of a keychain", addUsage, add),
			command("edit", "change an item", editUsage, edit),
			command("remove", "remove an item", removeUsage, remove),
			command("sync", "send and fetch changes", syncUsage, syncItems),
			command("account", "print what the server knows of the account", accountUsage, account),
			command("events", "list what happened to the account", eventsUsage, events),
			command("sessions", "list, end or name sessions", sessionsUsage, sessions),
			command("slots", "list or remove what opens the keyring", slotsUsage, slots),
			command("password", "change the password", passwordUsage, password),
			command("phrase", "make the recovery phrase", phraseUsage, phrase),
			command("file", "make a recovery file", fileUsage, makeFile),
			command("contacts", "invite and appoint people who can give the account back", contactsUsage, contacts),
			command("recover", "open the account without its password", recoverUsage, recoverAccount),
			command("claims", "list or cancel attempts to recover the account", claimsUsage, claims),
			command("join", "let this device in with another one", joinUsage, join),
			command("approve", "let another device in, or give a share", approveUsage, approve),
			command("export", "save everything in a file, or read one", exportUsage, export),
			command("import", "bring in what an export has", importUsage, importFile),
			command("restore", "give a restored server what it has lost", restoreUsage, restore),
			command("totp", "turn the second factor on or off", totpUsage, totp),
			command("settings", "print or set the cost of the password on this device", settingsUsage, settings),
			command("forget", "remove what this device has", forgetUsage, forget),
			command("delete", "delete the account", deleteUsage, deleteAccount),
		},
	}
}

func main() { program.Main() }

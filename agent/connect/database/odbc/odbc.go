// Package odbc asks a database through unixODBC: libodbc is opened at run time, and through it any driver.
//
//	errand.Request ──Serve──> libodbc.so.2 ──> libmdbodbc, psqlodbcw, libmaodbc, … ──> errand.Line after Line
//
// It belongs into a process of its own, which has nothing to lose: a driver is foreign C code, and can end or hold it.
package odbc

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unsafe"

	"github.com/ebitengine/purego"

	"vitrine/agent/connect/database/errand"
)

// library is what is used of libodbc (Microsoft's ODBC 3.8 API reference; sql.h and sqlext.h of unixODBC). A SQLWCHAR is
// 16 bits there, a SQLLEN as wide as a pointer.
type library struct {
	allocHandle   func(kind int16, parent uintptr, handle *uintptr) int16
	freeHandle    func(kind int16, handle uintptr) int16
	setEnvAttr    func(env uintptr, attr int32, value uintptr, length int32) int16
	setConnAttr   func(conn uintptr, attr int32, value uintptr, length int32) int16
	setStmtAttr   func(stmt uintptr, attr int32, value uintptr, length int32) int16
	driverConnect func(conn, window uintptr, in *uint16, inLen int16, out *uint16, outMax int16, outLen *int16, completion uint16) int16
	execDirect    func(stmt uintptr, text *uint16, length int32) int16
	numResultCols func(stmt uintptr, count *int16) int16
	describeCol   func(stmt uintptr, column uint16, name *uint16, max int16, length, kind *int16, size *uint64, digits, nullable *int16) int16
	fetch         func(stmt uintptr) int16
	getData       func(stmt uintptr, column uint16, kind int16, into unsafe.Pointer, max int64, indicator *int64) int16
	getDiagRec    func(kind int16, handle uintptr, record int16, state *uint16, native *int32, text *uint16, max int16, length *int16) int16
	endTran       func(kind int16, handle uintptr, how int16) int16
	disconnect    func(conn uintptr) int16

	buf       [chunk]byte // of a cell
	indicator int64       // how long it is
}

// Return codes, kinds of handle and attributes.
const (
	success         = 0
	successWithInfo = 1
	noData          = 100

	handleEnv  = 1
	handleConn = 2
	handleStmt = 3

	attrVersion    = 200 // of the environment
	attrAccess     = 101 // of the connection
	attrAutocommit = 102
	attrLogin      = 103 // seconds
	attrConnection = 113
	attrTimeout    = 0 // of a statement, seconds
	attrMaxRows    = 1
)

func good(code int16) bool { return code == success || code == successWithInfo }

// load opens libodbc. setlocale makes drivers write UTF-8.
func load() (*library, error) {
	if libc, err := purego.Dlopen("libc.so.6", purego.RTLD_NOW|purego.RTLD_GLOBAL); err == nil {
		var setlocale func(category int32, name string) uintptr
		purego.RegisterLibFunc(&setlocale, libc, "setlocale")
		setlocale(6, "C.UTF-8") // LC_ALL
	}
	handle, err := purego.Dlopen("libodbc.so.2", purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, errors.New("unixODBC is not installed: install the package libodbc2 (apt install libodbc2), and the driver's")
	}
	l := &library{}
	for name, into := range map[string]any{
		"SQLAllocHandle": &l.allocHandle, "SQLFreeHandle": &l.freeHandle, "SQLSetEnvAttr": &l.setEnvAttr, "SQLSetConnectAttrW": &l.setConnAttr,
		"SQLSetStmtAttrW": &l.setStmtAttr, "SQLDriverConnectW": &l.driverConnect, "SQLExecDirectW": &l.execDirect,
		"SQLNumResultCols": &l.numResultCols, "SQLDescribeColW": &l.describeCol, "SQLFetch": &l.fetch, "SQLGetData": &l.getData,
		"SQLGetDiagRecW": &l.getDiagRec, "SQLEndTran": &l.endTran, "SQLDisconnect": &l.disconnect} {
		address, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("this unixODBC has no %s: install a newer one", name)
		}
		purego.RegisterFunc(into, address)
		switch name { // what is called for every cell goes without reflection
		case "SQLFetch":
			l.fetch = func(stmt uintptr) int16 {
				code, _, _ := purego.SyscallN(address, stmt)
				return int16(code)
			}
		case "SQLGetData":
			l.getData = func(stmt uintptr, column uint16, kind int16, into unsafe.Pointer, max int64, indicator *int64) int16 {
				code, _, _ := purego.SyscallN(address, stmt, uintptr(column), uintptr(kind), uintptr(into), uintptr(max), uintptr(unsafe.Pointer(indicator)))
				return int16(code)
			}
		}
	}
	return l, nil
}

// Serve answers one request. What goes wrong is in the answer; an error says that there could be none.
func Serve(in io.Reader, out io.Writer) error {
	request, err := errand.ReadRequest(in)
	if err != nil {
		return err
	}
	w := errand.NewWriter(out)
	l, err := load()
	if err != nil {
		return w.Write(errand.Line{Fault: &errand.Fault{Step: "library", Message: err.Error()}})
	}
	var fault *errand.Fault
	switch err := l.ask(request, w); {
	case err == nil:
		return w.Write(errand.Line{End: true})
	case errors.As(err, &fault):
		return w.Write(errand.Line{Fault: fault})
	default:
		return err
	}
}

// ask connects, asks, and takes back whatever the question may have changed.
func (l *library) ask(r errand.Request, w *errand.Writer) error {
	var env, conn, stmt uintptr
	if !good(l.allocHandle(handleEnv, 0, &env)) || !good(l.setEnvAttr(env, attrVersion, 3, 0)) || !good(l.allocHandle(handleConn, env, &conn)) {
		return &errand.Fault{Step: "library", Message: "unixODBC cannot begin"}
	}
	defer l.freeHandle(handleEnv, env)
	defer l.freeHandle(handleConn, conn)
	l.setConnAttr(conn, attrLogin, uintptr(r.Seconds), 0) // these and those below are wishes: not every driver grants them
	l.setConnAttr(conn, attrConnection, uintptr(r.Seconds), 0)
	l.setConnAttr(conn, attrAccess, 1, 0)
	text := utf16.Encode([]rune(r.Connection))
	if len(text) > 1<<14 {
		return &errand.Fault{Step: "connect", Message: "the connection's fields are too long"}
	}
	if !good(l.driverConnect(conn, 0, &text[0], int16(len(text)), nil, 0, nil, 0)) {
		return l.fault("connect", handleConn, conn)
	}
	defer l.disconnect(conn)
	l.setConnAttr(conn, attrAutocommit, 0, 0)
	defer l.endTran(handleConn, conn, 1) // SQL_ROLLBACK
	if !good(l.allocHandle(handleStmt, conn, &stmt)) {
		return l.fault("connect", handleConn, conn)
	}
	defer l.freeHandle(handleStmt, stmt)
	l.setStmtAttr(stmt, attrTimeout, uintptr(r.Seconds), 0)
	l.setStmtAttr(stmt, attrMaxRows, uintptr(r.Rows), 0)
	text = utf16.Encode([]rune(r.Query))
	if !good(l.execDirect(stmt, &text[0], int32(len(text)))) {
		return l.fault("query", handleStmt, stmt)
	}
	return l.read(stmt, r, w)
}

// fault is what the driver says of the last call. A driver's first words are the ones that say why.
func (l *library) fault(step string, kind int16, handle uintptr) error {
	f := &errand.Fault{Step: step, Message: "the driver says no, and not why"}
	for record := int16(1); record <= 5; record++ {
		var state [6]uint16
		var text [1024]uint16
		var native int32
		var length int16
		if !good(l.getDiagRec(kind, handle, record, &state[0], &native, &text[0], int16(len(text)), &length)) {
			break
		}
		words := string(utf16.Decode(text[:max(0, min(int(length), len(text)-1))]))
		if record == 1 {
			f.State, f.Native, f.Message = strings.Trim(string(utf16.Decode(state[:5])), "\x00 "), int(native), strings.TrimSpace(words)
		} else if len(f.Message) < 1000 {
			f.Message += "; " + words
		}
	}
	return f
}

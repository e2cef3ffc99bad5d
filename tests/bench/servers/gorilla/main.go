// gorilla/websocket on net/http: echo, or a broadcast when asked.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

type options struct {
	Mode    string
	Payload string
	Deflate bool
}

// A connection has one writer at a time.
type connection struct {
	*websocket.Conn
	writing sync.Mutex
}

var (
	asked    options
	message  []byte
	upgrader websocket.Upgrader
	everyone sync.Map
	count    int64
)

func echo(c *connection, kind int, data []byte) error {
	return c.WriteMessage(kind, data)
}

// Each copy is framed (and compressed) once for all, as gorilla offers.
func broadcast(_ *connection, _ int, data []byte) error {
	copies, err := strconv.Atoi(string(data[1:]))
	for ; err == nil && copies > 0; copies-- {
		var prepared *websocket.PreparedMessage
		if prepared, err = websocket.NewPreparedMessage(websocket.TextMessage, next()); err == nil {
			everyone.Range(func(other, _ any) bool {
				return other.(*connection).write(prepared) == nil
			})
		}
	}
	return err
}

// Each message has a number, so that no two are alike.
func next() []byte {
	digits := fmt.Sprintf("%08d", atomic.AddInt64(&count, 1)-1)
	return append([]byte(digits), message[len(digits):]...)
}

func (c *connection) write(prepared *websocket.PreparedMessage) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.WritePreparedMessage(prepared)
}

func serve(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &connection{Conn: conn}
	defer c.Close()
	answer := echo
	if asked.Mode == "broadcast" {
		answer = broadcast
		everyone.Store(c, nil)
		defer everyone.Delete(c)
	}
	for {
		kind, data, err := c.ReadMessage()
		if err != nil || answer(c, kind, data) != nil {
			return
		}
	}
}

// Where memory is measured, what is garbage must not count.
func collectGarbage() {
	for range time.Tick(500 * time.Millisecond) {
		debug.FreeOSMemory()
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	check(json.Unmarshal([]byte(os.Args[1]), &asked))
	var err error
	message, err = os.ReadFile(asked.Payload)
	check(err)
	upgrader.EnableCompression = asked.Deflate
	upgrader.CheckOrigin = func(*http.Request) bool { return true }
	if asked.Mode == "idle" {
		go collectGarbage()
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	port := listener.Addr().(*net.TCPAddr).Port
	fmt.Printf("{\"port\":%d,\"version\":\"%s\"}\n", port, runtime.Version())
	go func() { check(http.Serve(listener, http.HandlerFunc(serve))) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

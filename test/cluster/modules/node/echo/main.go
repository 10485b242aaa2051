// A program for pods of tests: it answers over HTTP with the name of its host, and asks from inside of a pod.
//
//	echo serve ADDRESS      answers every request with the host's name, a line of its log for each; a header NAME of a request is Asked-NAME of
//	                        its answer, and Answer-NAME is NAME
//	echo get URL            prints the body of an answer; exit code 1 where there is none, or its status is no 200
//	echo ask ORIGIN         gets a path for each line of standard input, and prints a line for each answer: JSON, as ask.go has it
//	echo lookup NAME        prints the addresses of a name, a line each
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const patience = 5 * time.Second

func main() {
	if len(os.Args) != 3 {
		fail("usage: echo serve ADDRESS | get URL | ask ORIGIN | lookup NAME")
	}
	switch argument := os.Args[2]; os.Args[1] {
	case "serve":
		serve(argument)
	case "get":
		get(argument)
	case "ask":
		ask(argument)
	case "lookup":
		lookup(argument)
	default:
		fail("no command " + os.Args[1])
	}
}

func serve(address string) {
	host, err := os.Hostname()
	if err != nil {
		fail(err.Error())
	}
	fmt.Println("serving", address)
	fail(http.ListenAndServe(address, http.HandlerFunc(func(answer http.ResponseWriter, asked *http.Request) {
		fmt.Println(asked.Method, asked.URL.Path)
		for name, values := range asked.Header {
			answer.Header()["Asked-"+name] = values
			if wanted, is := strings.CutPrefix(name, "Answer-"); is {
				answer.Header()[wanted] = values
			}
		}
		fmt.Fprintln(answer, host)
	})).Error())
}

func get(url string) {
	client := http.Client{Timeout: patience}
	answer, err := client.Get(url)
	if err != nil {
		fail(err.Error())
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		fail(answer.Status)
	}
	if _, err := io.Copy(os.Stdout, answer.Body); err != nil {
		fail(err.Error())
	}
}

func lookup(name string) {
	within, end := context.WithTimeout(context.Background(), patience)
	defer end()
	addresses, err := net.DefaultResolver.LookupHost(within, name)
	if err != nil {
		fail(err.Error())
	}
	for _, address := range addresses {
		fmt.Println(address)
	}
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// A line of standard input.
type question struct {
	ID      int               `json:"id"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
}

// A line of standard output.
type answer struct {
	ID      int               `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	// Until the headers were there.
	Milliseconds float64 `json:"milliseconds"`
	// Why there is no answer.
	Error string `json:"error,omitempty"`
}

// Asks a server whatever it is told to, at one time if it is told so. Ends with standard input, after the last answer.
func ask(origin string) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 100
	client := http.Client{Timeout: patience, Transport: transport, CheckRedirect: stay}
	var asking sync.WaitGroup
	defer asking.Wait()
	var answers sync.Mutex
	output := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var one question
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			fail(err.Error())
		}
		asking.Go(func() {
			answered := askOne(&client, origin, one)
			answers.Lock()
			defer answers.Unlock()
			if err := output.Encode(answered); err != nil {
				fail(err.Error())
			}
		})
	}
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func askOne(client *http.Client, origin string, one question) answer {
	failed := func(err error) answer { return answer{ID: one.ID, Error: err.Error()} }
	request, err := http.NewRequest(http.MethodGet, origin+one.Path, nil)
	if err != nil {
		return failed(err)
	}
	for name, value := range one.Headers {
		request.Header.Set(name, value)
	}
	began := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return failed(err)
	}
	took := time.Since(began)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return failed(err)
	}
	headers := map[string]string{}
	for name := range response.Header {
		headers[name] = response.Header.Get(name)
	}
	return answer{
		ID:           one.ID,
		Status:       response.StatusCode,
		Headers:      headers,
		Body:         string(body),
		Milliseconds: float64(took.Microseconds()) / 1000,
	}
}

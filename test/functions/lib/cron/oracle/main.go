// Prints cases.jsonl, the refused lines first: what robfig/cron v3.0.1 says about every line, zone and start below.
// Run: go run . > ../cases.jsonl
package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

type oneCase struct {
	Schedule string  `json:"schedule"`
	Timezone string  `json:"timezone"`
	After    int64   `json:"after"`
	Next     []int64 `json:"next"`
}

var parser = cron.NewParser(
	cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

var lines = []string{
	"* * * * *", "* * * * * *", "*/15 * * * *", "0/15 * * * *", "5/15 * * * *", "20-35/15 * * * *",
	"15/35 20-35/15 * * * *", "15/35 20-35/15 1/2 * * *", "15/35 20-35/15 10-12 * * *",
	"15/35 20-35/15 1/2 */2 * *", "15/35 20-35/15 * 9-20 * *", "15/35 20-35/15 * 9-20 Jul *",
	"0 0 9 Apr-Oct ?", "0 0 */5 Apr,Aug,Oct Mon", "0 0 */5 Oct Mon", "0 0 * Feb Mon", "0 0 * Feb Mon/2",
	"0 0 29 Feb ?", "30 2 11 Mar ?", "30 2 4 Nov ?", "30 1 4 Nov ?", "30 08 ? Jul Sun", "30 08 15 Jul ?",
	"* * 1,15 * Sun", "* * * * Mon", "* * */10 * Sun", "* * 1,15 * *", "* * */2 * Sun", "0 0 13 * FRI",
	"0 * * * ?", "0 0 * * ?", "0 1 * * ?", "0 2 * * ?", "30 2 * * *", "15,45 0-3 * * *", "0 0 1 * *",
	"59 59 23 31 12 ?", "0 0 1 1 *", "0 12 ? * MON-FRI", "*/10 30-40 8-18/2 ? JAN,JUN,dec 1-5",
	"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly",
	"0 0 31 * *", "0 0 30 1,2 *", "0 0 29 2 1", "*/7 */7 */7 */7 */7 */3", "1 2 3 4 5 6", "0 0 ?/1 * 1",
}

var zones = []string{
	"UTC", "America/New_York", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe",
	"Asia/Kolkata", "Asia/Beirut", "America/St_Johns",
}

// Around changes of the clocks of the zones, ends of months and years, and where nothing happens.
var starts = []string{
	"2012-03-11T04:59:59Z", "2012-11-04T05:45:00Z", "2012-07-09T23:35:51Z", "2012-12-31T23:59:45Z",
	"2018-11-03T22:00:00Z", "2018-02-17T20:30:00Z", "2024-10-05T12:00:00Z", "2024-04-06T12:00:00Z",
	"2024-02-28T23:59:59Z", "2025-03-29T20:00:00Z", "2026-10-24T20:00:00Z",
}

var refused = []string{
	"", "* * * *", "* * * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *",
	"* * * 13 *", "* * * * 7", "-1 * * * *", "5-3 * * * *", "*/0 * * * *", "1/2/3 * * * *", "1-2-3 * * * *",
	"a * * * *", "* * * foo *", "* * * * SUNDAY", "@reboot", "@Daily", "@daily ", "TZ=Nowhere/Land * * * * *",
	"1.5 * * * *", "L * * * *", "* * L * *", "* * * * 5#2", "* * 15W * *", "60 0 0 1 1 *", "*/ * * * *", "/5 * * * *",
}

func main() {
	random := rand.New(rand.NewSource(1))
	var cases []oneCase
	add := func(line, zone string, after time.Time) {
		schedule, err := parser.Parse("CRON_TZ=" + zone + " " + line)
		if err != nil {
			panic(err)
		}
		found := oneCase{Schedule: line, Timezone: zone, After: after.UnixMilli(), Next: []int64{}}
		at := after
		for i := 0; i < 4; i++ {
			done := make(chan time.Time, 1)
			go func(from time.Time) { done <- schedule.Next(from) }(at)
			select {
			case at = <-done:
			case <-time.After(time.Second):
				// It loops for ever where the clocks skip a midnight; nothing to agree with.
				fmt.Fprintln(os.Stderr, "hangs:", line, zone, at)
				return
			}
			if at.IsZero() {
				break
			}
			found.Next = append(found.Next, at.UnixMilli())
		}
		cases = append(cases, found)
	}
	for _, line := range lines {
		for _, zone := range zones {
			start, _ := time.Parse(time.RFC3339, starts[random.Intn(len(starts))])
			add(line, zone, start)
			add(line, zone, start.Add(time.Duration(random.Int63n(int64(48*time.Hour)))))
		}
	}
	pick := func(min, max int) string {
		a := min + random.Intn(max-min+1)
		b := a + random.Intn(max-a+1)
		return []string{"*", "*", "?", fmt.Sprint(a), fmt.Sprintf("%d-%d", a, b), fmt.Sprintf("*/%d", 1+random.Intn(9)),
			fmt.Sprintf("%d/%d", a, 1+random.Intn(9)), fmt.Sprintf("%d-%d/%d", a, b, 1+random.Intn(5)),
			fmt.Sprintf("%d,%d", a, b)}[random.Intn(9)]
	}
	for i := 0; i < 400; i++ {
		fields := []string{pick(0, 59), pick(0, 59), pick(0, 23), pick(1, 28), pick(1, 12), pick(0, 6)}
		start, _ := time.Parse(time.RFC3339, starts[random.Intn(len(starts))])
		start = start.Add(time.Duration(random.Int63n(int64(72 * time.Hour))))
		add(strings.Join(fields, " "), zones[random.Intn(len(zones))], start)
	}
	for _, line := range refused {
		if _, err := parser.Parse(line); err == nil {
			panic("robfig takes " + line)
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.Encode(refused)
	for _, each := range cases {
		out.Encode(each)
	}
}

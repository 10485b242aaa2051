// The second oracle of the conformance test: what the webhooks of Knative say to our objects, by the code of Knative
// itself. It reads a JSON object and features of Eventing per line, fills in the defaults as the webhook does when an object is created, and
// answers with the problems that it has, as a list of texts.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"knative.dev/eventing/pkg/apis/config"
	eventing "knative.dev/eventing/pkg/apis/eventing/v1"
	policies "knative.dev/eventing/pkg/apis/eventing/v1alpha1"
	"knative.dev/eventing/pkg/apis/feature"
	sources "knative.dev/eventing/pkg/apis/sources/v1"
	"knative.dev/pkg/apis"
	serving "knative.dev/serving/pkg/apis/serving/v1"
)

type admitted interface {
	apis.Defaultable
	apis.Validatable
}

var kinds = map[string]func() admitted{
	"ApiServerSource": func() admitted { return &sources.ApiServerSource{} },
	"Broker":          func() admitted { return &eventing.Broker{} },
	"EventPolicy":     func() admitted { return &policies.EventPolicy{} },
	"PingSource":      func() admitted { return &sources.PingSource{} },
	"Service":         func() admitted { return &serving.Service{} },
	"SinkBinding":     func() admitted { return &sources.SinkBinding{} },
	"Trigger":         func() admitted { return &eventing.Trigger{} },
}

// As config/core/configmaps/default-broker.yaml of Eventing has it.
const brokerDefaults = `
clusterDefault:
  brokerClass: MTChannelBasedBroker
  apiVersion: v1
  kind: ConfigMap
  name: config-br-default-channel
  namespace: knative-eventing
`

// configured is the configuration that a release of Knative comes with, but for features of Eventing.
func configured(changes map[string]string) context.Context {
	features, err := feature.NewFlagsConfigFromMap(changes)
	if err != nil {
		panic(err)
	}
	brokers, err := config.NewDefaultsConfigFromMap(map[string]string{config.BrokerDefaultsKey: brokerDefaults})
	if err != nil {
		panic(err)
	}
	ctx := feature.ToContext(context.Background(), features)
	return config.ToContext(ctx, &config.Config{Defaults: brokers})
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		if err := out.Encode(problems(in.Bytes())); err != nil {
			panic(err)
		}
	}
	if err := in.Err(); err != nil {
		panic(err)
	}
}

func problems(line []byte) []string {
	var question struct {
		Object   json.RawMessage
		Features map[string]string
	}
	if err := json.Unmarshal(line, &question); err != nil {
		return []string{err.Error()}
	}
	var named struct{ Kind string }
	if err := json.Unmarshal(question.Object, &named); err != nil {
		return []string{err.Error()}
	}
	create, known := kinds[named.Kind]
	if !known {
		return []string{fmt.Sprintf("kind: unknown: %q", named.Kind)}
	}
	object := create()
	// As the webhook reads it: a field that it does not know is an error.
	decoder := json.NewDecoder(bytes.NewReader(question.Object))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(object); err != nil {
		return []string{err.Error()}
	}
	ctx := apis.WithinCreate(configured(question.Features))
	object.SetDefaults(ctx)
	found := []string{}
	for _, problem := range object.Validate(ctx).WrappedErrors() {
		found = append(found, problem.Error())
	}
	return found
}

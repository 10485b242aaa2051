// The oracle of the conformance test: what an API server of Kubernetes says to our definitions and objects,
// by the code of k8s.io/apiextensions-apiserver itself. It reads one JSON document per line and answers each
// with one. {"crd": …} is a CustomResourceDefinition to check and to keep under its kind; {"object": …, "old": …}
// is an object to create, or to put in the place of an old one.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apimachinery "k8s.io/apimachinery/pkg/api/validation"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	kjson "sigs.k8s.io/json"
)

type question struct {
	CRD    json.RawMessage `json:"crd"`
	Object json.RawMessage `json:"object"`
	Old    json.RawMessage `json:"old"`
}

type answer struct {
	Accepted bool           `json:"accepted"`
	Errors   []string       `json:"errors"`
	Object   map[string]any `json:"object,omitempty"`
}

type kind struct {
	name       string
	apiVersion string
	structural *schema.Structural
	validator  validation.SchemaValidator
	cel        *cel.Validator
}

func main() {
	kinds := map[string]*kind{}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<26)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		reply, err := answerTo(in.Bytes(), kinds)
		if err != nil {
			reply = answer{Errors: []string{err.Error()}}
		}
		reply.Accepted = len(reply.Errors) == 0
		if err := out.Encode(reply); err != nil {
			panic(err)
		}
	}
	if err := in.Err(); err != nil {
		panic(err)
	}
}

func answerTo(line []byte, kinds map[string]*kind) (answer, error) {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{}, err
	}
	if asked.CRD != nil {
		return define(asked.CRD, kinds)
	}
	object, old := map[string]any{}, map[string]any(nil)
	// As the API server reads JSON: whole numbers are int64, all others float64.
	if err := utiljson.Unmarshal(asked.Object, &object); err != nil {
		return answer{}, err
	}
	if asked.Old != nil {
		if err := utiljson.Unmarshal(asked.Old, &old); err != nil {
			return answer{}, err
		}
	}
	name, _ := object["kind"].(string)
	known, found := kinds[name]
	if !found {
		return answer{Errors: []string{fmt.Sprintf("kind: unknown: %q", name)}}, nil
	}
	return known.admit(object, old)
}

// define checks a definition as the API server does when it is created.
func define(raw []byte, kinds map[string]*kind) (answer, error) {
	external := &apiextensionsv1.CustomResourceDefinition{}
	strict, err := kjson.UnmarshalStrict(raw, external)
	if err != nil {
		return answer{}, err
	}
	reply := answer{}
	for _, problem := range strict {
		reply.Errors = append(reply.Errors, problem.Error())
	}
	apiextensionsv1.SetObjectDefaults_CustomResourceDefinition(external)
	internal := &apiextensions.CustomResourceDefinition{}
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(external, internal, nil); err != nil {
		return answer{}, err
	}
	internal.Status.StoredVersions = []string{external.Spec.Versions[0].Name}
	reply.Errors = append(reply.Errors, texts(crdvalidation.ValidateCustomResourceDefinition(context.Background(), internal))...)
	if len(reply.Errors) > 0 {
		return reply, nil
	}
	served, err := apiextensions.GetSchemaForVersion(internal, external.Spec.Versions[0].Name)
	if err != nil {
		return answer{}, err
	}
	structural, err := schema.NewStructural(served.OpenAPIV3Schema)
	if err != nil {
		return answer{}, err
	}
	validator, _, err := validation.NewSchemaValidator(served.OpenAPIV3Schema)
	if err != nil {
		return answer{}, err
	}
	kinds[external.Spec.Names.Kind] = &kind{
		name:       external.Spec.Names.Kind,
		apiVersion: external.Spec.Group + "/" + external.Spec.Versions[0].Name,
		structural: structural,
		validator:  validator,
		cel:        cel.NewValidator(structural, true, celconfig.PerCallLimit),
	}
	return reply, nil
}

// admit follows unstructuredDefaulter and unstructuredSchemaCoercer of pkg/apiserver/customresource_handler.go
// with fieldValidation=Strict, then Validate or ValidateUpdate of pkg/registry/customresource/strategy.go.
func (k *kind) admit(object, old map[string]any) (answer, error) {
	if object["apiVersion"] != k.apiVersion {
		return answer{Errors: []string{fmt.Sprintf("apiVersion: must be %s", k.apiVersion)}}, nil
	}
	defaulting.Default(object, k.structural)
	meta, found, unknown, err := objectmeta.GetObjectMetaWithOptions(object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return answer{}, err
	}
	if !found {
		return answer{Errors: []string{"metadata: required"}}, nil
	}
	// The API server takes it from the request's URL, where the document names none.
	if meta.Namespace == "" {
		meta.Namespace = "default"
	}
	unknown = append(unknown, pruning.PruneWithOptions(object, k.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
	defaulting.PruneNonNullableNullsWithoutDefaults(object, k.structural)
	if err := objectmeta.SetObjectMeta(object, meta); err != nil {
		return answer{}, err
	}
	sort.Strings(unknown)
	reply := answer{Object: object}
	for _, path := range unknown {
		reply.Errors = append(reply.Errors, path+": unknown field")
	}
	if len(reply.Errors) > 0 {
		return reply, nil
	}

	var errs field.ErrorList
	errs = append(errs, apimachinery.ValidateObjectMeta(meta, true, apimachinery.NameIsDNSSubdomain, field.NewPath("metadata"))...)
	if old == nil {
		errs = append(errs, validation.ValidateCustomResource(nil, object, k.validator)...)
	} else {
		errs = append(errs, validation.ValidateCustomResourceUpdate(nil, object, old, k.validator)...)
	}
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, k.structural, object)...)
	if k.cel != nil && !blocks(errs) {
		// A nil map in an interface would not be a nil oldSelf.
		var before any
		if old != nil {
			before = old
		}
		rules, _ := k.cel.Validate(context.Background(), nil, k.structural, object, before, celconfig.RuntimeCELCostBudget)
		errs = append(errs, rules...)
	}
	reply.Errors = texts(errs)
	return reply, nil
}

// blocks is hasBlockingErr of strategy.go.
func blocks(errs field.ErrorList) bool {
	for _, err := range errs {
		switch err.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return true
		}
	}
	return false
}

func texts(errs field.ErrorList) []string {
	var all []string
	for _, err := range errs {
		all = append(all, strings.TrimPrefix(err.Error(), "<nil>: "))
	}
	return all
}

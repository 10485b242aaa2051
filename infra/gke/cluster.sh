#!/usr/bin/env bash
# A cluster of GKE that Clover runs on, and what belongs to it; read README.md first.
#
#   PROJECT=… infra/gke/cluster.sh up|delete [--dry-run] [--yes]
#
#   PROJECT     project that all is made in; it has to be there, with billing
#   LOCATION    zone, or region for three times the nodes    (europe-west1-b)
#   CLUSTER     name of the cluster                          (clover)
#   CHANNEL     release channel                              (regular)
#   MACHINE     machine type of the nodes                    (e2-standard-4)
#   NODES       nodes, per zone                              (2)
#   REPOSITORY  repository of images in Artifact Registry    (clover)
#   ACCOUNT     service account of the nodes                 (clover-nodes)
#   DATASET     dataset of BigQuery; empty: none             (clover)
#   ANALYST     service account that writes into it          (clover-analytics)
#
# `up` asks for each thing whether it is there and makes what is not: run it again after whatever stopped it. `delete` takes away
# what `up` makes, with its data. --dry-run prints every command of a first run and runs none.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here

fail() {
  printf 'cluster.sh: %s\n  to fix: %s\n' "$1" "$2" >&2
  exit "${3:-1}"
}

mode='' dry=0 yes=0
for argument in "$@"; do
  case $argument in
    up | delete) [[ -z $mode ]] || fail "two commands: $mode and $argument" 'one of up and delete' 2; mode=$argument ;;
    --dry-run) dry=1 ;;
    --yes) yes=1 ;;
    *) fail "unknown argument $argument" "see the first lines of $0" 2 ;;
  esac
done
[[ -n $mode ]] || fail 'no command' "$0 up, or $0 delete" 2

project=${PROJECT-} location=${LOCATION:-europe-west1-b} cluster=${CLUSTER:-clover} channel=${CHANNEL:-regular}
machine=${MACHINE:-e2-standard-4} nodes=${NODES:-2} repository=${REPOSITORY:-clover} account=${ACCOUNT:-clover-nodes}
dataset=${DATASET-clover} analyst=${ANALYST:-clover-analytics}

check() { [[ $2 =~ ^$3$ ]] || fail "$1: found \"$2\"" "$4" 2; }
check PROJECT "$project" '[a-z][a-z0-9-]{4,28}[a-z0-9]' 'the id of your project, such as my-project-123'
check LOCATION "$location" '[a-z]+-[a-z]+[0-9]+(-[a-z])?' 'a zone such as europe-west1-b, or a region'
check CLUSTER "$cluster" '[a-z]([a-z0-9-]{0,38}[a-z0-9])?' 'lower-case letters, digits and "-", at most 40'
check CHANNEL "$channel" '(rapid|regular|stable|extended)' 'rapid, regular, stable or extended'
check MACHINE "$machine" '[a-z][a-z0-9-]+' 'a machine type such as e2-standard-4'
check NODES "$nodes" '[1-9][0-9]{0,2}' 'a number from 1'
check REPOSITORY "$repository" '[a-z]([a-z0-9-]{0,61}[a-z0-9])?' 'lower-case letters, digits and "-"'
check ACCOUNT "$account" '[a-z][a-z0-9-]{4,28}[a-z0-9]' '6 to 30 lower-case letters, digits and "-"'
check DATASET "$dataset" '\w{0,1024}' 'letters, digits and "_"; or nothing, for no dataset'
check ANALYST "$analyst" '[a-z][a-z0-9-]{4,28}[a-z0-9]' '6 to 30 lower-case letters, digits and "-"'
[[ $analyst != "$account" ]] || fail "ANALYST: found \"$analyst\", which is ACCOUNT, too" 'two accounts: nodes have no business with data' 2
readonly region=${location%-[a-z]} email=$account@$project.iam.gserviceaccount.com namespace=clover-system
readonly analyst_email=$analyst@$project.iam.gserviceaccount.com
# Whose pods act as that account: `serviceAccountAnnotations` in installation.yaml says the same from the other side.
readonly member="serviceAccount:$project.svc.id.goog[$namespace/control-plane]"
readonly role=roles/container.defaultNodeServiceAccount
# As get-credentials names it: never the cluster that kubectl happens to be at.
readonly kubectl=(kubectl --context="gke_${project}_${location}_$cluster")

# run COMMAND…: says it, and does it.
run() {
  printf '+'
  printf ' %q' "$@"
  printf '\n'
  ((dry)) || "$@"
}

# there COMMAND…: whether what it describes exists. Anything but "there is none" ends the script: who may not look must not guess.
there() {
  local said
  ((dry)) && return 1
  # bq tells its errors on standard output.
  if said=$("$@" 2>&1); then return 0; fi
  case $said in
    *NOT_FOUND* | *'not found'* | *'Not found'* | *notFound* | *'Unknown service account'*) return 1 ;;
  esac
  printf '%s\n' "$said" >&2
  fail "cannot tell whether it is there: $*" 'the message above: most often a role, or a service that is not enabled'
}

in_project=(--project="$project" --quiet)
in_registry=(--location="$region" "${in_project[@]}")
in_place=(--location="$location" "${in_project[@]}")
in_bigquery=(--headless --quiet --project_id="$project" --location="$region")

up() {
  run gcloud services enable container.googleapis.com artifactregistry.googleapis.com iam.googleapis.com bigquery.googleapis.com "${in_project[@]}"

  there gcloud artifacts repositories describe "$repository" "${in_registry[@]}" ||
    run gcloud artifacts repositories create "$repository" --repository-format=docker --description='Images of Clover' "${in_registry[@]}"

  there gcloud iam service-accounts describe "$email" "${in_project[@]}" ||
    run gcloud iam service-accounts create "$account" --display-name='Nodes of Clover' "${in_project[@]}"
  # Bindings that are there are no error, and no second binding.
  run gcloud projects add-iam-policy-binding "$project" --member="serviceAccount:$email" --role="$role" --condition=None --quiet
  run gcloud artifacts repositories add-iam-policy-binding "$repository" --member="serviceAccount:$email" --role=roles/artifactregistry.reader "${in_registry[@]}"

  # Without Dataplane V2, and not Autopilot: README.md says why. Pods get no token of the node's account (GKE_METADATA)
  # unless they are on the node's network, as agents are.
  there gcloud container clusters describe "$cluster" "${in_place[@]}" ||
    run gcloud container clusters create "$cluster" \
      --release-channel="$channel" --machine-type="$machine" --num-nodes="$nodes" --image-type=COS_CONTAINERD \
      --enable-ip-alias --enable-network-policy \
      --workload-pool="$project.svc.id.goog" --workload-metadata=GKE_METADATA \
      --service-account="$email" --enable-shielded-nodes --shielded-secure-boot --shielded-integrity-monitoring \
      --labels=app=clover "${in_place[@]}"
  # The pool of identities is there from the project's first cluster on.
  [[ -z $dataset ]] || analytics
  run gcloud container clusters get-credentials "$cluster" "${in_place[@]}"

  there "${kubectl[@]}" get namespace "$namespace" || run "${kubectl[@]}" create namespace "$namespace"
  if ! there "${kubectl[@]}" -n "$namespace" get secret clickhouse; then
    local password
    password=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')
    # By standard input: an argument is seen by everybody on this machine.
    run "${kubectl[@]}" -n "$namespace" create secret generic clickhouse --from-file=password=/dev/stdin < <(printf '%s' "$password")
  fi
  run "${kubectl[@]}" apply --server-side --field-manager=cluster.sh -f "$(dirname "$here")/baremetal/kubernetes/clickhouse.yaml"
  run "${kubectl[@]}" -n "$namespace" rollout status statefulset/clickhouse --timeout=10m
  printf 'Images go to %s-docker.pkg.dev/%s/%s; README.md has the next steps.\n' "$region" "$project" "$repository"
}

# A dataset, and an account that may write into this one alone, and ask questions at the project's cost.
analytics() {
  there bq "${in_bigquery[@]}" show --dataset "$project:$dataset" ||
    run bq "${in_bigquery[@]}" mk --dataset --description='Spans of Clover' "$project:$dataset"
  there gcloud iam service-accounts describe "$analyst_email" "${in_project[@]}" ||
    run gcloud iam service-accounts create "$analyst" --display-name='Analytics of Clover' "${in_project[@]}"
  run bq "${in_bigquery[@]}" query --use_legacy_sql=false \
    "GRANT \`roles/bigquery.dataEditor\` ON SCHEMA \`$project\`.\`$dataset\` TO 'serviceAccount:$analyst_email'"
  run gcloud projects add-iam-policy-binding "$project" --member="serviceAccount:$analyst_email" --role=roles/bigquery.jobUser --condition=None --quiet
  run gcloud iam service-accounts add-iam-policy-binding "$analyst_email" --member="$member" --role=roles/iam.workloadIdentityUser "${in_project[@]}"
}

delete() {
  if ((!dry && !yes)); then
    [[ -t 0 ]] || fail 'nobody is there to be asked' '--yes, or a terminal'
    read -r -p "Delete the cluster $cluster, the repository $repository, ${dataset:+the dataset $dataset with its account $analyst, }and the account $email of $project, with all data? Type the cluster's name: " answer
    [[ $answer == "$cluster" ]] || fail 'nothing was deleted' 'the name of the cluster'
  fi
  # In a dry run everything is there.
  if ((dry)) || there gcloud container clusters describe "$cluster" "${in_place[@]}"; then
    run gcloud container clusters get-credentials "$cluster" "${in_place[@]}"
    # Disks of volumes outlive a cluster: they go with their claims, so these go first.
    run "${kubectl[@]}" delete namespace "$namespace" --ignore-not-found --wait --timeout=10m
    run gcloud container clusters delete "$cluster" "${in_place[@]}"
  fi
  if ((dry)) || there gcloud artifacts repositories describe "$repository" "${in_registry[@]}"; then
    run gcloud artifacts repositories delete "$repository" "${in_registry[@]}"
  fi
  [[ -z $dataset ]] || delete_analytics
  if ((dry)) || there gcloud iam service-accounts describe "$email" "${in_project[@]}"; then
    run gcloud projects remove-iam-policy-binding "$project" --member="serviceAccount:$email" --role="$role" --condition=None --quiet
    run gcloud iam service-accounts delete "$email" "${in_project[@]}"
  fi
}

# Roles in the dataset go with it, and who may act as the account goes with the account.
delete_analytics() {
  if ((dry)) || there bq "${in_bigquery[@]}" show --dataset "$project:$dataset"; then
    run bq "${in_bigquery[@]}" rm --recursive --force --dataset "$project:$dataset"
  fi
  if ((dry)) || there gcloud iam service-accounts describe "$analyst_email" "${in_project[@]}"; then
    run gcloud projects remove-iam-policy-binding "$project" --member="serviceAccount:$analyst_email" --role=roles/bigquery.jobUser --condition=None --quiet
    run gcloud iam service-accounts delete "$analyst_email" "${in_project[@]}"
  fi
}

if ((!dry)); then
  programs=(gcloud kubectl)
  [[ -z $dataset ]] || programs+=(bq)
  for program in "${programs[@]}"; do
    command -v "$program" >/dev/null || fail "there is no $program" 'https://cloud.google.com/sdk/docs/install, and gke-gcloud-auth-plugin'
  done
fi
"$mode"

#!/usr/bin/env bash
# The whole story on real hospital data: `make demo`, or this file with `keyong` on the PATH.
# Everything it writes lies in demo-workspace/ beside this repository's README and is made anew each time.
set -euo pipefail

examples=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
stage=$(dirname "$examples")/demo-workspace
source_file=$examples/data/diabetes130.csv.gz

rm -rf "$stage"
mkdir -p "$stage"
cd "$stage"
export KEYONG_WORKSPACE=$stage/workspace KEYONG_ANCHORS=$stage/anchors
export KEYONG_PURPOSE=readmission-statistics
export KEYONG_LANG=${KEYONG_LANG:-en}
unset KEYONG_AS
KEYONG_DEMO_PASSPHRASE=${KEYONG_DEMO_PASSPHRASE:-$(head -c 24 /dev/urandom | base64)}

bold='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then bold=$'\e[1m' plain=$'\e[0m'; fi

say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }

# Print a command as one would type it.
typed() {
    local word
    printf '\n%s$' "$bold"
    for word in "$@"; do
        if [[ $word =~ ^[A-Za-z0-9_./=:,@%+-]+$ ]]; then printf ' %s' "$word"; else printf ' "%s"' "$word"; fi
    done
    printf '%s\n' "$plain"
}

run() {
    typed "$@"
    "$@"
}

# The same for a command that asks for the passphrase of the owner's signing key.
run_with_passphrase() {
    typed "$@"
    "$@" <<< "$KEYONG_DEMO_PASSPHRASE"
}

# The same for a command that must be refused with a certain exit code.
refused() {
    local wanted=$1 code=0
    shift
    run "$@" || code=$?
    echo "(exit code $code)"
    [[ $code == "$wanted" ]] || { echo "demo: expected exit code $wanted" >&2; exit 1; }
}

trap 'keyong pool stop >/dev/null 2>&1 || true' EXIT

say "1. A hospital's table goes in; only ciphertext is written."
run keyong init
run_with_passphrase keyong identity new health-bureau --role owner
run keyong identity new wang --role analyst --group researchers
run keyong identity new li --role reviewer
gunzip -c "$source_file" > diabetes130.csv
run keyong --as health-bureau dataset add diabetes130.csv --name health.diabetes --unit patient_nbr \
    --namespace health.patient --missing '*=?' --remove-source --yes
run ls

say "2. What the columns are, and who may learn what."
run keyong --as health-bureau dataset classify health.diabetes
run keyong --as health-bureau dataset tag health.diabetes --all-above 0.9 --confirm age --confirm gender --confirm race \
    --confirm A1Cresult --confirm insulin --confirm change --confirm diabetesMed --confirm readmitted \
    --confirm time_in_hospital --confirm num_medications --confirm num_lab_procedures --confirm number_diagnoses \
    --confirm medical_specialty \
    --reason 'checked against the data dictionary'
run cp "$examples/diabetes/policy.yaml" .
run keyong --as health-bureau policy validate policy.yaml
run keyong --as health-bureau policy lint policy.yaml
run_with_passphrase keyong --as health-bureau policy sign policy.yaml
run keyong --as health-bureau policy apply policy.yaml

say "3. An analyst looks around, rehearses on invented data, asks what a question would cost, and asks."
run keyong --as wang dataset list
run keyong --as wang dataset show health.diabetes
run keyong pool start

stays='SELECT age, COUNT(*) AS stays, AVG(time_in_hospital) AS mean_days FROM health.diabetes GROUP BY age'
run keyong --as wang query "$stays" --epsilon 0.5 --mock
run keyong --as wang job explain "$stays" --epsilon 0.5
run keyong --as wang query "$stays" --epsilon 0.5 --plot stays-by-age.svg
run keyong --as wang query "SELECT A1Cresult, COUNT(*) AS stays, AVG(CASE WHEN readmitted = '<30' THEN 1 ELSE 0 END) AS within_30_days FROM health.diabetes GROUP BY A1Cresult" --epsilon 0.5
run keyong --as wang query "SELECT insulin, gender, AVG(num_medications) AS medications FROM health.diabetes WHERE time_in_hospital >= 3 GROUP BY insulin, gender ORDER BY insulin, gender" --epsilon 0.5
run keyong --as wang query "SELECT AVG(stays) AS mean_stays, AVG(days) AS mean_days, MEDIAN(days) AS median_days FROM (SELECT patient_nbr, COUNT(*) AS stays, SUM(time_in_hospital) AS days FROM health.diabetes GROUP BY patient_nbr)" --epsilon 0.5
run keyong --as wang query "SELECT medical_specialty, COUNT(*) AS stays FROM health.diabetes GROUP BY medical_specialty ORDER BY stays DESC LIMIT 5; SELECT gender, MEDIAN(num_medications) AS medications FROM health.diabetes GROUP BY gender" --epsilon 0.5

say "4. What is refused, and what is free."
refused 4 keyong --as wang query 'SELECT race, COUNT(*) AS stays FROM health.diabetes GROUP BY race' --epsilon 0.5
refused 5 keyong --as wang query 'SELECT COUNT(*) AS stays FROM health.diabetes' --epsilon 4
run keyong --as wang query "$stays" --epsilon 0.5

say "5. The budget, the log, and a search for what must not be there."
run keyong --as health-bureau budget show health.diabetes --chart budget.svg
run keyong --as li audit list
first=$(keyong --json --as li audit list --kind release | python3 -c 'import json, sys; print(json.load(sys.stdin)["leaves"][0]["facts"]["job"])')
run keyong --as li audit show "$first"
run keyong --as li audit alerts
typed keyong --as li audit checkpoint '> checkpoint.txt'
keyong --as li audit checkpoint > checkpoint.txt
run keyong --as li audit verify --checkpoint checkpoint.txt
run keyong --as li audit export evidence
run python3 -I evidence/verify_bundle.py evidence --kept checkpoint.txt
run keyong --as li audit report --month "$(date -u +%Y-%m)" -o month.html
ray=$(keyong --json pool status | python3 -c 'import json, sys; print(json.load(sys.stdin)["directory"])')
run python3 "$examples/find_values.py" "$source_file" "$stage" "$ray" /dev/shm

say "Look at demo-workspace/budget.svg, stays-by-age.svg and month.html"

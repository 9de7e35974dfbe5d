#!/usr/bin/env bash
# Exports the network of one Alibaba Cloud region as JSON files for `vpclint`.
# Written by `vpclint export-commands`. Read-only: it makes Describe, Get and List calls and nothing else.
#
# Needs: bash 3.2 or newer, jq 1.6 or newer, and the aliyun CLI 3 with working credentials.
# `vpclint export-commands --ram-policy` prints the RAM policy that the credentials need.
#
# Layout, under the folder that --out names:
#   <account>/sts.GetCallerIdentity.json
#   <account>/manifest.jsonl                one line per call, failed calls included
#   <account>/<region>/<product>.<Api>[@<Parameter>=<value>,...].p<page>.json
#
# A file is what the CLI printed, without the values of secrets (pre-shared keys and the like), which
# never reach the disk. File name and manifest state every request parameter, so that a listing of
# one VPC is not mistaken for a listing of the region. The CLI's own --pager is not used: it stops
# after the first page of every call that is paged by PageNumber.

if [ -z "${BASH_VERSION:-}" ]; then
  echo "this script needs bash: bash $0" >&2
  exit 2
fi

set -u
umask 077
unset DEBUG # DEBUG=sdk makes the CLI print signed requests

#@settings

OUT=vpclint-export
PROFILE=
RESUME=
RETRY_DELAY=1 # seconds before the first retry of a throttled call; doubles with each retry
RETRIES=6
MAX_PAGES=10000

# Keys whose values are secrets, as a case-insensitive regular expression.
SECRET_KEY='psk|authkey|cak|ckn|[a-z_]*(secret|password)[a-z_]*'

TMP=
LOCK=
PART=

say() { printf '%s\n' "$*" >&2; }

# Ends the run before it began: nothing was exported.
cannot_start() {
  say "error: $*"
  exit 2
}

# Ends the run in the middle, e.g. when the disk is full.
stop() {
  say "error: $*; run again with --resume to go on from here"
  exit 1
}

usage() {
  cat <<HELP
usage: bash export.sh [--out DIR] [--profile NAME] [--resume] [--retry-delay SECONDS]

Exports the network of region $REGION${VPC:+, restricted to $VPC,} for vpclint.

  --out DIR              where to write (default: $OUT); an earlier export of the
                         same account and region in DIR is replaced
  --profile NAME         profile of the aliyun CLI (default: its current one)
  --resume               keep the listings that an earlier run completed
  --retry-delay SECONDS  pause before a throttled call is repeated (default: $RETRY_DELAY)

exit status: 0 all calls succeeded, 1 some failed, 2 the export could not start
HELP
}

arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h)
        usage
        exit 0
        ;;
      --resume) RESUME=1 ;;
      --out | --profile | --retry-delay)
        [ $# -ge 2 ] || cannot_start "$1 needs a value"
        case $1 in
          --out) OUT=$2 ;;
          --profile) PROFILE=$2 ;;
          --retry-delay) RETRY_DELAY=$2 ;;
        esac
        shift
        ;;
      *) cannot_start "unknown argument \`$1\`; see --help" ;;
    esac
    shift
  done
  case $RETRY_DELAY in
    '' | *[!0-9]*) cannot_start "--retry-delay needs a whole number of seconds" ;;
  esac
  is_safe "$REGION" || cannot_start "\`$REGION\` is not a region id"
  [ -z "$VPC" ] || is_safe "$VPC" || cannot_start "\`$VPC\` is not a VPC id"
  case $OUT in
    '') cannot_start "--out needs a folder" ;;
    -*) OUT=./$OUT ;;
  esac
}

# True when a value can be part of a file name as it is.
is_safe() {
  case $1 in
    '' | .* | *[!A-Za-z0-9._:-]*) return 1 ;;
  esac
}

clean_up() {
  [ -z "$TMP" ] || rm -rf -- "$TMP"
  [ -z "$PART" ] || rm -f -- "$PART"
  [ -z "$LOCK" ] || rmdir -- "$LOCK" 2>/dev/null
}

# --- one request --------------------------------------------------------------------------------

# request PRODUCT API ROWS TOTAL [NAME VALUE]...
# Makes one call, repeating it while it is throttled. ROWS and TOTAL are jq paths into the answer.
# True: the answer without secrets is in BODY, its facts in COUNT, TOTAL and TOKEN.
# False: the error code is in ERROR, the exit status of the CLI in RC.
request() {
  local product=$1 api=$2 rows=$3 total=$4 try=1 pause=$RETRY_DELAY
  local flags
  shift 4
  flags=(--region "$REGION")
  [ -z "$PROFILE" ] || flags+=(--profile "$PROFILE")
  while [ $# -gt 0 ]; do
    flags+=("--$1" "$2")
    shift 2
  done
  while :; do
    ERROR=
    # The answer stays in memory until secrets are out of it.
    BODY=$(aliyun "$product" "$api" "${flags[@]}" 2>"$TMP/stderr" </dev/null)
    RC=$?
    if [ "$RC" -eq 0 ]; then
      remove_secrets && read_facts "$rows" "$total" && return 0
      RC=1
    else
      ERROR=$( (cat "$TMP/stderr" && printf '%s\n' "$BODY") | error_code)
    fi
    BODY=
    case $ERROR in
      *Throttling* | *ServiceUnavailable* | *ServerBusy*) [ "$try" -lt "$RETRIES" ] || return 1 ;;
      *) return 1 ;;
    esac
    sleep "$pause"
    try=$((try + 1))
    pause=$((pause * 2))
  done
}

# The error code in what the CLI printed about a failed call; never the message, which can quote
# request and account.
error_code() {
  local code
  code=$(sed -n \
    -e 's/^ErrorCode: *\([A-Za-z0-9._-]*\).*/\1/p' \
    -e 's/.*"Code": *"\([A-Za-z0-9._-]*\)".*/\1/p' \
    -e 's/^ERROR: *\(SDK\.[A-Za-z0-9._-]*\).*/\1/p' \
    | sed -e '/^SDK\.ServerError$/d' -e '/^$/d' -e 1q)
  printf '%s' "${code:-Unknown}"
}

# Takes secrets out of BODY. Only an answer that has some, or that belongs to a call known for them,
# passes through jq: jq 1.6 would alter integers above 2^53.
remove_secrets() {
  local clean
  if [ -z "$HAS_SECRETS" ] && ! secrets_in_body; then
    return 0
  fi
  clean=$(printf '%s\n' "$BODY" | jq --arg key "$SECRET_KEY" '
    walk(
      if type == "object" then
        with_entries(select(.key | test("^(" + $key + ")$"; "i") | not))
      elif type == "string" and test("\"(" + $key + ")\"\\s*:"; "i") then
        ""
      else . end)' 2>/dev/null) || clean=
  BODY=$clean
  if [ -z "$BODY" ]; then
    ERROR=NotJson
    return 1
  fi
  if secrets_in_body; then
    ERROR=SecretNotRemoved
    return 1
  fi
}

secrets_in_body() {
  printf '%s\n' "$BODY" | LC_ALL=C grep -ciE "\"($SECRET_KEY)\\\\?\"[[:space:]]*:" >/dev/null
}

# Reads COUNT, TOTAL and TOKEN from BODY; false when BODY is not the answer of a successful call.
read_facts() {
  local status
  IFS='|' read -r status COUNT TOTAL TOKEN < <(printf '%s\n' "$BODY" | jq -rs "
    def number: if type == \"number\" then . elif type == \"string\" then (tonumber? // \"\") else \"\" end;
    if length != 1 or (.[0] | type) != \"object\" then \"NotJson|0||\"
    else .[0] |
      if has(\"Code\") and (keys - [\"RequestId\", \"HostId\", \"Code\", \"Message\", \"Recommend\",
          \"AccessDeniedDetail\"] | length) == 0 then \"\\(.Code)|0||\"
      else
        [\"ok\", (try ($1) catch null | if type == \"array\" then length else 0 end), (try ($2) catch null | number), (.NextToken // \"\")]
        | map(tostring) | join(\"|\")
      end
    end" 2>/dev/null)
  [ "${status:-}" = ok ] && return 0
  ERROR=${status:-NotJson}
  return 1
}

# --- files --------------------------------------------------------------------------------------

# Writes BODY under a name that did not exist before it was whole.
store() {
  if ! { printf '%s\n' "$BODY" >"$PART" && mv -f -- "$PART" "$HOME_DIR/$1"; }; then
    stop "cannot write $HOME_DIR/$1"
  fi
}

# json TEXT: the text as a JSON string. Control characters have no business in ids and tokens.
json() {
  local text=${1//[[:cntrl:]]/}
  text=${text//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# row FILE PRODUCT API PAGE LAST [NAME VALUE]...
# Adds the call to the manifest: RC and ERROR as they are. LAST says that no page follows.
row() {
  local file=$1 product=$2 api=$3 page=$4 last=$5 parameters='' comma=''
  shift 5
  while [ $# -gt 0 ]; do
    parameters="$parameters$comma\"$1\":$(json "$2")"
    comma=,
    shift 2
  done
  printf '{"file":"%s","product":"%s","api":"%s","region":"%s","page":%d,"rc":%d,"error":%s,"last":%s,"time":"%s","params":{%s}}\n' \
    "$file" "$product" "$api" "$REGION" "$page" "$RC" "$(json "$ERROR")" "$last" \
    "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$parameters" >>"$MANIFEST" || stop "cannot write $MANIFEST"
  if [ "$RC" -eq 0 ]; then
    printf '%s.%s\t%s\n' "$product" "$api" "$file" >>"$TMP/index"
  else
    printf '%s\t%s %s\t%s\n' "$ERROR" "$product" "$api" "$OPTIONAL" >>"$TMP/failed"
  fi
  CALLS=$((CALLS + 1))
}

# begin PRODUCT API [NAME VALUE]...
# Sets BASE, the file name without page; false when an earlier run has this listing already.
begin() {
  local tag=
  BASE=$REGION/$1.$2
  shift 2
  while [ $# -gt 0 ]; do
    tag=$tag,$1=$2
    shift 2
  done
  BASE=$BASE${tag:+@${tag#,}}
  [ -n "$RESUME" ] || return 0
  awk -F '\t' -v base="$BASE" '$1 == base { print $2 "\t" $3; found = 1 } END { exit !found }' \
    "$TMP/kept" >>"$TMP/index" || return 0
  KEPT=$((KEPT + 1))
  return 1
}

# --- listings -----------------------------------------------------------------------------------
# Each records what fails and goes on: a call that fails costs its own listing, not the export.

# once PRODUCT API [NAME VALUE]...
once() {
  local product=$1 api=$2
  shift 2
  begin "$product" "$api" "$@" || return 0
  ! request "$product" "$api" null null "$@" || store "$BASE.p1.json"
  row "$BASE.p1.json" "$product" "$api" 1 true "$@"
}

# by_page PRODUCT API PAGE_PARAMETER SIZE ROWS TOTAL [NAME VALUE]...
# Ends when as many rows were seen as the answer announces, or at an empty page.
by_page() {
  local product=$1 api=$2 parameter=$3 size=$4 rows=$5 total=$6
  local page=1 seen=0 last=false print previous=''
  shift 6
  begin "$product" "$api" "$@" || return 0
  while [ "$last" = false ]; do
    if request "$product" "$api" "$rows" "$total" "$@" "$parameter" "$page" PageSize "$size"; then
      seen=$((seen + COUNT))
      if [ "$COUNT" -eq 0 ] || { [ -n "$TOTAL" ] && [ "$seen" -ge "$TOTAL" ]; }; then
        last=true
      fi
      # An answer that ignores the page number repeats for ever, or adds up to a false total.
      if [ "$COUNT" -ne 0 ] && ! { [ "$page" -eq 1 ] && [ "$last" = true ]; }; then
        print=$(printf '%s\n' "$BODY" | jq -c "$rows" | cksum)
        if [ "$print" = "$previous" ] || [ "$page" -ge "$MAX_PAGES" ]; then
          RC=1 ERROR=PagingDoesNotEnd last=false
        fi
        previous=$print
      fi
    fi
    [ "$RC" -ne 0 ] || store "$BASE.p$page.json"
    row "$BASE.p$page.json" "$product" "$api" "$page" "$last" "$@" "$parameter" "$page" PageSize "$size"
    [ "$RC" -eq 0 ] || return 0
    page=$((page + 1))
  done
}

# by_token PRODUCT API SIZE_PARAMETER SIZE ROWS [NAME VALUE]...
# Ends at the answer without NextToken.
by_token() {
  local product=$1 api=$2 parameter=$3 size=$4 rows=$5
  local page=1 last=false token='' more
  shift 5
  begin "$product" "$api" "$@" || return 0
  while [ "$last" = false ]; do
    more=("$parameter" "$size")
    [ -z "$token" ] || more+=(NextToken "$token")
    if request "$product" "$api" "$rows" null "$@" "${more[@]}"; then
      if [ -z "$TOKEN" ]; then
        last=true
      elif [ "$TOKEN" = "$token" ] || [ "$page" -ge "$MAX_PAGES" ]; then
        RC=1 ERROR=PagingDoesNotEnd
      fi
      token=$TOKEN
    fi
    [ "$RC" -ne 0 ] || store "$BASE.p$page.json"
    row "$BASE.p$page.json" "$product" "$api" "$page" "$last" "$@" "${more[@]}"
    [ "$RC" -eq 0 ] || return 0
    page=$((page + 1))
  done
}

# for_each PRODUCT.API FILTER 'NAME...' COMMAND...
# Runs COMMAND once per distinct row that FILTER finds in the exported answers of PRODUCT.API, with
# the NAMEs and the row's values as further arguments. An id that cannot be part of a file name is
# recorded as failed.
for_each() {
  local source=$1 filter=$2 names=$3 name value values pairs
  shift 3
  while IFS= read -r values <&3; do
    pairs=()
    RC=0
    for name in $names; do
      value=${values%%$'\t'*}
      values=${values#*$'\t'}
      is_safe "$value" || RC=1
      pairs+=("$name" "$value")
    done
    if [ "$RC" -eq 0 ]; then
      "$@" "${pairs[@]}"
    else
      ERROR=UnusableId
      row "" "$2" "$3" 1 true "${pairs[@]}"
    fi
  done 3< <(
    awk -F '\t' -v source="$source" '$1 == source { print $2 }' "$TMP/index" \
      | while IFS= read -r file; do
        jq -r "$filter | map(select(. != null and . != \"\") | tostring) | @tsv" <"$HOME_DIR/$file"
      done | LC_ALL=C sort -u
  )
}

# secret COMMAND...: the answers are known to hold secrets.
secret() {
  HAS_SECRETS=1
  "$@"
  HAS_SECRETS=
}

# optional COMMAND...: most accounts cannot make this call and do not need it.
optional() {
  OPTIONAL=optional
  "$@"
  OPTIONAL=
}

# --- the run ------------------------------------------------------------------------------------

check_tools() {
  command -v aliyun >/dev/null 2>&1 \
    || cannot_start "aliyun is not in PATH; see https://github.com/aliyun/aliyun-cli"
  command -v jq >/dev/null 2>&1 || cannot_start "jq is not in PATH; see https://jqlang.org"
  [ "$(jq -nr '$ARGS.positional[0] | test("B"; "i")' --args -- --b 2>/dev/null)" = true ] \
    || cannot_start "this jq is too old; 1.6 or newer is needed"
}

# Asks who we are, which names the folder.
identify() {
  local account
  if ! request sts GetCallerIdentity null null; then
    sed -n 1p "$TMP/stderr" >&2
    cannot_start "no identity: sts GetCallerIdentity failed ($ERROR); try \`aliyun configure\`"
  fi
  account=$(printf '%s\n' "$BODY" | jq -r '.AccountId // ""')
  case $account in
    '' | *[!0-9]*) cannot_start "no identity: sts GetCallerIdentity names no account" ;;
  esac
  HOME_DIR=$OUT/$account
  MANIFEST=$HOME_DIR/manifest.jsonl
  mkdir -p -- "$HOME_DIR/$REGION" || cannot_start "cannot create $HOME_DIR/$REGION"
  mkdir -- "$HOME_DIR/.lock" 2>/dev/null \
    || cannot_start "another export writes to $HOME_DIR; if none does, remove $HOME_DIR/.lock"
  LOCK=$HOME_DIR/.lock
  PART=$HOME_DIR/$REGION/.part.$$
}

# Takes what an earlier run left of this region out of the folder and of the manifest; with --resume
# all but the listings that are complete. Files that no manifest row names are not touched.
make_room() {
  local file
  for file in kept index failed missing; do
    : >"$TMP/$file" || stop "cannot write $TMP"
  done
  touch -- "$MANIFEST" || stop "cannot write $MANIFEST"
  earlier files | while IFS= read -r file; do
    [ -s "$HOME_DIR/$file" ] || printf '%s\n' "$file"
  done >"$TMP/missing"
  earlier drop | tr '\n' '\0' | (cd -- "$HOME_DIR" && xargs -0 rm -f --)
  earlier kept >"$TMP/kept" || stop "cannot write $TMP"
  if ! { earlier manifest >"$PART" && mv -f -- "$PART" "$MANIFEST"; }; then
    stop "cannot write $MANIFEST"
  fi
}

# earlier WHAT: a view of the manifest of earlier runs.
earlier() {
  jq -nrR --arg what "$1" --arg region "$REGION" --arg resume "$RESUME" --rawfile missing "$TMP/missing" '
    def base: .file | sub("\\.p[0-9]+\\.json$"; "");
    [inputs | fromjson? | objects | select((.file | type) == "string")] as $rows
    | ($missing | split("\n") | map({(.): true}) | add // {}) as $missing
    | ([$rows[] | select(.region == $region)]) as $mine
    | (if $resume == "" then {} else
        [$mine | group_by(base)[]
          | select(.[0].product != "sts" and all(.[]; .rc == 0 and ($missing[.file] | not)) and any(.[]; .last == true))
          | {(.[0] | base): true}] | add // {}
      end) as $done
    | if $what == "files" then $mine[] | select(.rc == 0) | .file
      elif $what == "drop" then
        $mine[] | select($done[base] | not) | .file
        | select(startswith($region + "/") and (contains("..") | not))
      elif $what == "kept" then
        $mine[] | select($done[base]) | [base, .product + "." + .api, .file] | @tsv
      else $rows[] | select(.region != $region or $done[base]) | tojson
      end' <"$MANIFEST"
}

summary() {
  local failed
  failed=$(awk -F '\t' '$3 == ""' "$TMP/failed" | wc -l)
  say ""
  say "$CALLS calls made${RESUME:+, $KEPT listings kept from before}; the export is in $HOME_DIR"
  if [ -s "$TMP/failed" ]; then
    say "failed calls:"
    LC_ALL=C sort "$TMP/failed" | uniq -c \
      | awk -F '\t' '{ split($1, head, " "); printf "  %-28s %s (%d%s)\n", head[2], $2, head[1], $3 == "" ? "" : ", not needed by most accounts" }' >&2
  fi
  if [ "$failed" -eq 0 ]; then
    return 0
  fi
  say "what depends on the failed calls will be undetermined, not clean"
  ! grep -q '^\(Forbidden\|NoPermission\)' "$TMP/failed" \
    || say "for missing permissions see \`vpclint export-commands --ram-policy\`"
  say "run again with --resume to repeat only what is missing"
  return 1
}

export_region() {
  :
#@calls
}

main() {
  local CALLS=0 KEPT=0 HAS_SECRETS='' OPTIONAL='' BASE='' BODY='' RC=0 ERROR='' COUNT=0 TOTAL='' TOKEN=''
  local HOME_DIR='' MANIFEST=''
  arguments "$@"
  check_tools
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  TMP=$(mktemp -d "${TMPDIR:-/tmp}/vpclint-export.XXXXXX") || cannot_start "cannot create a temporary folder"
  identify
  make_room
  store sts.GetCallerIdentity.json
  row sts.GetCallerIdentity.json sts GetCallerIdentity 1 true
  export_region
  summary
}

main "$@"

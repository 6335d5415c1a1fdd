#!/bin/sh
# Checks the signature of a checkpoint with openssl alone: Ed25519 over the text of the note.
#
#   openssl.sh CHECKPOINT TRUST
#
# Ends with 0 only when the first key of the trust file signed it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
key=$(sed -n '/^[^#]/{p;q;}' "$2")
name=${key%%+*}
key=${key#*+}
key=${key#*+}
# A key is a byte that names the algorithm and 32 more; openssl wants them behind a fixed head.
{
  printf '\060\052\060\005\006\003\053\145\160\003\041\000'
  printf '%s' "$key" | openssl base64 -d -A | tail -c +2
} >"$work/key.der"
# The text ends before the first empty line, and with a newline. A signature is four bytes of key id and 64 more.
sed '/^$/,$d' "$1" >"$work/text"
sed -n "s|^— $name ||p" "$1" | openssl base64 -d -A | tail -c +5 >"$work/signature"
openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key.der" -rawin -in "$work/text" -sigfile "$work/signature"

// Verifies an evidence bundle with software that Baton's authors did not write: the note and tlog
// packages of golang.org/x/mod, which are the origin of these formats. It knows tiles, checkpoints and
// proofs, and nothing of what leaves say.
//
//	verify BUNDLE TRUST
//
// Ends with 0 when everything holds, with 1 when something does not, and says what.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8
const width = 1 << height

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: verify BUNDLE TRUST")
		os.Exit(2)
	}
	what, err := verify(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Println("refused:", err)
		os.Exit(1)
	}
	fmt.Println("accepted:", what)
}

func verify(dir, trust string) (string, error) {
	keys, err := verifiers(trust)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return "", err
	}
	newest, err := open(text, keys)
	if err != nil {
		return "", fmt.Errorf("checkpoint: %w", err)
	}
	done := fmt.Sprintf("%s at size %d", newest.origin, newest.size)
	if _, err := os.Stat(filepath.Join(dir, "tile")); err == nil {
		if err := whole(dir, newest, keys); err != nil {
			return "", err
		}
		return done + ", the whole log", nil
	}
	count, err := proofs(dir, newest, keys)
	if err != nil {
		return "", err
	}
	if count == 0 {
		return "", errors.New("the bundle holds neither tiles nor proofs")
	}
	return fmt.Sprintf("%s, %d leaves of it", done, count), nil
}

// A checkpoint whose signature was checked.
type checkpoint struct {
	origin string
	size   int64
	root   tlog.Hash
}

func verifiers(path string) (note.Verifiers, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var keys []note.Verifier
	for _, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := note.NewVerifier(line)
		if err != nil {
			return nil, fmt.Errorf("trust file: %w", err)
		}
		keys = append(keys, key)
	}
	return note.VerifierList(keys...), nil
}

func open(text []byte, keys note.Verifiers) (checkpoint, error) {
	var none checkpoint
	opened, err := note.Open(text, keys)
	if err != nil {
		return none, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return none, errors.New("not the three lines of a checkpoint")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return none, err
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return none, err
	}
	for _, signature := range opened.Sigs {
		if signature.Name == lines[0] {
			return checkpoint{lines[0], size, root}, nil
		}
	}
	return none, errors.New("not signed for its own origin")
}

// The hashes of a log in the order in which tlog stores them.
type stored []tlog.Hash

func (hashes stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(hashes)) {
			return nil, errors.New("beyond the log")
		}
		out[i] = hashes[index]
	}
	return out, nil
}

// Every leaf hashed, the root built again, every tile compared, every leaf proven through the tiles on
// disk alone, and every older checkpoint a prefix.
func whole(dir string, newest checkpoint, keys note.Verifiers) error {
	var hashes stored
	var leaves [][]byte
	for n := int64(0); n*width < newest.size; n++ {
		w := newest.size - n*width
		if w > width {
			w = width
		}
		data, err := os.ReadFile(filepath.Join(dir, path("entries", n, int(w))))
		if err != nil {
			return err
		}
		for i := int64(0); i < w; i++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return fmt.Errorf("entry %d is cut off", n*width+i)
			}
			length := int(binary.BigEndian.Uint16(data))
			leaf := data[2 : 2+length]
			data = data[2+length:]
			more, err := tlog.StoredHashes(n*width+i, leaf, hashes)
			if err != nil {
				return err
			}
			hashes = append(hashes, more...)
			leaves = append(leaves, leaf)
		}
		if len(data) != 0 {
			return fmt.Errorf("bundle %d of entries goes on after its last", n)
		}
	}
	root, err := tlog.TreeHash(newest.size, hashes)
	if err != nil {
		return err
	}
	if root != newest.root {
		return fmt.Errorf("the root of the leaves is %s and the checkpoint says %s", root, newest.root)
	}
	all := tlog.NewTiles(height, 0, newest.size)
	for i, tile := range all {
		// It names every width that the last tile of a level ever had; the widest is the one that must be there.
		if i+1 < len(all) && all[i+1].L == tile.L && all[i+1].N == tile.N {
			continue
		}
		want, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			return err
		}
		at := path(strconv.Itoa(tile.L), tile.N, tile.W)
		got, err := os.ReadFile(filepath.Join(dir, at))
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%s is not the tile of the leaves", at)
		}
	}
	through := tlog.TileHashReader(tlog.Tree{N: newest.size, Hash: newest.root}, &tiles{dir})
	for i, leaf := range leaves {
		proof, err := tlog.ProveRecord(newest.size, int64(i), through)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, newest.size, newest.root, int64(i), tlog.RecordHash(leaf)); err != nil {
			return fmt.Errorf("leaf %d: %w", i, err)
		}
	}
	return olders(dir, newest, keys, func(old checkpoint) error {
		proof, err := tlog.ProveTree(newest.size, old.size, hashes)
		if err != nil {
			return err
		}
		return tlog.CheckTree(proof, newest.size, newest.root, old.size, old.root)
	})
}

// The leaves of a bundle about one transition, each with its own proof file.
func proofs(dir string, newest checkpoint, keys note.Verifiers) (int, error) {
	names, err := filepath.Glob(filepath.Join(dir, "leaves", "*.json"))
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		leaf, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		index := strings.TrimSuffix(filepath.Base(name), ".json")
		text, err := os.ReadFile(filepath.Join(dir, "proofs", index+".tlog-proof"))
		if err != nil {
			return 0, err
		}
		if err := proven(leaf, index, text, newest, keys); err != nil {
			return 0, fmt.Errorf("leaf %s: %w", index, err)
		}
	}
	return len(names), olders(dir, newest, keys, func(old checkpoint) error {
		text, err := os.ReadFile(filepath.Join(dir, "checkpoints", fmt.Sprintf("%d.consistency", old.size)))
		if err != nil {
			return err
		}
		var proof tlog.TreeProof
		for _, line := range strings.Fields(string(text)) {
			hash, err := hex.DecodeString(line)
			if err != nil || len(hash) != tlog.HashSize {
				return fmt.Errorf("%q is not a hash", line)
			}
			proof = append(proof, tlog.Hash(*(*[tlog.HashSize]byte)(hash)))
		}
		return tlog.CheckTree(proof, newest.size, newest.root, old.size, old.root)
	})
}

func proven(leaf []byte, index string, text []byte, newest checkpoint, keys note.Verifiers) error {
	head, signed, found := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || lines[0] != "c2sp.org/tlog-proof@v1" || len(lines) < 2 || lines[1] != "index "+index {
		return errors.New("not a proof of this index")
	}
	at, err := open([]byte(signed), keys)
	if err != nil {
		return err
	}
	if at != newest {
		return errors.New("the proof leads to another checkpoint")
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(hash) != tlog.HashSize {
			return fmt.Errorf("%q is not a hash", line)
		}
		proof = append(proof, tlog.Hash(*(*[tlog.HashSize]byte)(hash)))
	}
	n, err := strconv.ParseInt(index, 10, 64)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, newest.size, newest.root, n, tlog.RecordHash(leaf))
}

// Older checkpoints may be of another origin, from before a fork, as long as a key of it is trusted: what the leaves
// say of forks is not read here.
func olders(dir string, newest checkpoint, keys note.Verifiers, continued func(checkpoint) error) error {
	names, err := filepath.Glob(filepath.Join(dir, "checkpoints", "*.note"))
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		old, err := open(text, keys)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
		if filepath.Base(name) != fmt.Sprintf("%d.note", old.size) {
			return fmt.Errorf("%s is of %s at size %d", filepath.Base(name), old.origin, old.size)
		}
		if err := continued(old); err != nil {
			return fmt.Errorf("%s is not continued: %w", filepath.Base(name), err)
		}
	}
	return nil
}

// path is where C2SP's tlog-tiles puts a tile of a level, or of entries.
func path(level string, n int64, w int) string {
	text := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		text = fmt.Sprintf("x%03d/%s", n%1000, text)
	}
	if w < width {
		text += fmt.Sprintf(".p/%d", w)
	}
	return "tile/" + level + "/" + text
}

// The tiles of a directory, for tlog to check against the root by itself.
type tiles struct{ dir string }

func (t *tiles) Height() int { return height }

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(t.dir, path(strconv.Itoa(tile.L), tile.N, tile.W)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

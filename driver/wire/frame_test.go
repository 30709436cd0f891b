package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
)

// refusedFrames are the golden frames that a receiver of requests must refuse (docs/original.md §1.5).
var refusedFrames = map[string]error{
	"magic":              wire.ErrMagic,
	"length-0":           wire.ErrLength,
	"length-4097":        wire.ErrTooLarge,
	"length-beyond-body": wire.ErrTruncated,
	"length-beyond-text": wire.ErrInnerNUL,
	"inner-nul":          wire.ErrInnerNUL,
	"no-nul":             wire.ErrNoNUL,
	"trailing":           wire.ErrTrailing,
}

func TestRefusedFrames(t *testing.T) {
	for name, want := range refusedFrames {
		t.Run(name, func(t *testing.T) {
			b := golden(t, "refused/"+name)
			_, err := wire.ParseFrame(b, wire.MaxRequest)
			require.ErrorIs(t, err, want)

			r := bytes.NewReader(b)
			_, err = wire.ReadFrame(r, wire.MaxRequest)
			if errors.Is(want, wire.ErrTrailing) { // a stream goes on; the rest stays in it
				require.NoError(t, err)
				require.Equal(t, 1, r.Len())
				return
			}
			require.ErrorIs(t, err, want)
		})
	}
}

func TestFrameCutAtEveryByte(t *testing.T) {
	whole := golden(t, "request-get")
	for n := range whole {
		_, err := wire.ParseFrame(whole[:n], wire.MaxRequest)
		require.ErrorIs(t, err, wire.ErrTruncated, "%d bytes", n)

		text, err := wire.ReadFrame(bytes.NewReader(whole[:n]), wire.MaxRequest)
		require.Nil(t, text)
		if n == 0 {
			require.Equal(t, io.EOF, err)
			continue
		}
		require.ErrorIs(t, err, wire.ErrTruncated, "%d bytes", n)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "%d bytes", n)
		require.NotErrorIs(t, err, io.EOF, "%d bytes", n)
	}
}

func TestReadFrameInPieces(t *testing.T) {
	readers := map[string]func(io.Reader) io.Reader{
		"one byte": iotest.OneByteReader,
		"half":     iotest.HalfReader,
		"data+EOF": iotest.DataErrReader,
	}
	for _, size := range []int{0, 1, 246, 255, 256, 257, 64<<10 - 1, 64 << 10, 1 << 20} {
		want := bytes.Repeat([]byte("x"), size)
		stream := wire.AppendFrame(wire.AppendFrame(nil, want), []byte("next"))
		for name, split := range readers {
			r := split(bytes.NewReader(stream))
			got, err := wire.ReadFrame(r, wire.MaxReply)
			require.NoError(t, err, "%s, %d bytes", name, size)
			require.True(t, bytes.Equal(want, got), "%s, %d bytes", name, size)
			got, err = wire.ReadFrame(r, wire.MaxReply)
			require.NoError(t, err, name)
			require.Equal(t, "next", string(got), name)
			_, err = wire.ReadFrame(r, wire.MaxReply)
			require.Equal(t, io.EOF, err, name)
		}
	}
}

func TestFrameLimit(t *testing.T) {
	fits := wire.AppendFrame(nil, bytes.Repeat([]byte("x"), wire.MaxRequest-1))
	got, err := wire.ReadFrame(bytes.NewReader(fits), wire.MaxRequest)
	require.NoError(t, err)
	require.Len(t, got, wire.MaxRequest-1)
	over := wire.AppendFrame(nil, bytes.Repeat([]byte("x"), wire.MaxRequest))
	_, err = wire.ReadFrame(bytes.NewReader(over), wire.MaxRequest)
	require.ErrorIs(t, err, wire.ErrTooLarge)
	_, err = wire.ParseFrame(over, wire.MaxRequest)
	require.ErrorIs(t, err, wire.ErrTooLarge)
	_, err = wire.ReadFrame(bytes.NewReader(over), wire.MaxReply)
	require.NoError(t, err)
}

// A peer that only announces a large frame costs little memory.
func TestReadFrameTakesMemoryAsBytesArrive(t *testing.T) {
	header := binary.LittleEndian.AppendUint32(nil, wire.Magic)
	refused := binary.LittleEndian.AppendUint32(header, 0xffffffff)
	allowed := binary.LittleEndian.AppendUint32(header[:4:4], wire.MaxReply)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := wire.ReadFrame(bytes.NewReader(refused), wire.MaxReply)
	require.ErrorIs(t, err, wire.ErrTooLarge)
	_, err = wire.ReadFrame(bytes.NewReader(allowed), wire.MaxReply)
	require.ErrorIs(t, err, wire.ErrTruncated)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
}

// Four wrong bytes are refused before the peer sends more.
func TestReadFrameRefusesMagicAtOnce(t *testing.T) {
	hang := iotest.ErrReader(errors.New("read too far"))
	_, err := wire.ReadFrame(io.MultiReader(strings.NewReader("GET "), hang), wire.MaxRequest)
	require.ErrorIs(t, err, wire.ErrMagic)
}

func TestReadFrameKeepsTheReadersError(t *testing.T) {
	broken := errors.New("connection reset")
	whole := golden(t, "request-get")
	for n := range whole {
		_, err := wire.ReadFrame(io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(broken)), wire.MaxRequest)
		require.ErrorIs(t, err, broken, "after %d bytes", n)
		require.NotErrorIs(t, err, wire.ErrTruncated, "after %d bytes", n)
	}
}

func TestParseFrameAliases(t *testing.T) {
	b := golden(t, "reply-null")
	text, err := wire.ParseFrame(b, wire.MaxReply)
	require.NoError(t, err)
	b[wire.HeaderSize] = 'N'
	require.Equal(t, "Null", string(text))
	_ = append(text, 'x')
	require.Zero(t, b[len(b)-1], "an append to the text must not write into the frame")
}

func FuzzFrame(f *testing.F) {
	for name := range goldenRequests {
		f.Add(golden(f, name))
	}
	for name := range refusedFrames {
		f.Add(golden(f, "refused/"+name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, limit := range []int{16, wire.MaxRequest} {
			checkFrame(t, b, limit)
		}
	})
}

func checkFrame(t *testing.T, b []byte, limit int) {
	parsed, err := wire.ParseFrame(b, limit)
	read, readErr := wire.ReadFrame(iotest.HalfReader(bytes.NewReader(b)), limit)
	if err != nil {
		// What is before trailing bytes may be fine for a stream.
		if !errors.Is(err, wire.ErrTrailing) && readErr == nil {
			t.Fatalf("ParseFrame: %v; ReadFrame takes it", err)
		}
		return
	}
	if readErr != nil || !bytes.Equal(parsed, read) {
		t.Fatalf("ParseFrame %q; ReadFrame %q, %v", parsed, read, readErr)
	}
	if len(parsed)+1 > limit {
		t.Fatalf("%d bytes of text, limit %d", len(parsed), limit)
	}
	if again := wire.AppendFrame(nil, parsed); !bytes.Equal(again, b) {
		t.Fatalf("decode and encode: %x becomes %x", b, again)
	}
}

func BenchmarkFrame(b *testing.B) {
	text := []byte(`{"Unit": "0", "ControllerPciSlotNumber": "160", "ControllerPciBusNumber": "15.0"}`)
	frame := wire.AppendFrame(nil, text)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		var dst []byte
		for b.Loop() {
			dst = wire.AppendFrame(dst[:0], text)
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := wire.ParseFrame(frame, wire.MaxReply); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		r := bytes.NewReader(frame)
		for b.Loop() {
			r.Reset(frame)
			if _, err := wire.ReadFrame(r, wire.MaxReply); err != nil {
				b.Fatal(err)
			}
		}
	})
}

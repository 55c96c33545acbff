package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/blockstore"
	chunker "github.com/ipfs/boxo/chunker"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs/importer/balanced"
	"github.com/ipfs/boxo/ipld/unixfs/importer/helpers"
	unixfs "github.com/ipfs/boxo/ipld/unixfs/io"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/sync"
	ipld "github.com/ipfs/go-ipld-format"
	"github.com/ipld/go-car/v2"
)

func memory() (blockstore.Blockstore, ipld.DAGService) {
	blocks := blockstore.NewBlockstore(sync.MutexWrap(datastore.NewMapDatastore()))
	return blocks, merkledag.NewDAGService(blockservice.New(blocks, nil))
}

// Keeps the blocks of a CAR, each checked by its hash, and reads the file below its one root.
func importCar(ctx context.Context, input io.Reader) (file, error) {
	blocks, dag := memory()
	reader, err := car.NewBlockReader(input)
	if err != nil {
		return file{}, err
	}
	if reader.Version != 1 || len(reader.Roots) != 1 {
		return file{}, fmt.Errorf("version %d with %d roots", reader.Version, len(reader.Roots))
	}
	count := 0
	for {
		block, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return file{}, err
		}
		if err := blocks.Put(ctx, block); err != nil {
			return file{}, err
		}
		count++
	}
	answer, err := cat(ctx, dag, reader.Roots[0])
	answer.Blocks = count
	return answer, err
}

func cat(ctx context.Context, dag ipld.DAGService, root cid.Cid) (file, error) {
	node, err := dag.Get(ctx, root)
	if err != nil {
		return file{}, err
	}
	bytes, err := unixfs.NewDagReader(ctx, node, dag)
	if err != nil {
		return file{}, err
	}
	return read(root.String(), bytes)
}

// Adds a file by the options of `ipfs add` that say how it is cut.
func add(ctx context.Context, args []string, input io.Reader) (file, error) {
	options := flag.NewFlagSet("add", flag.ContinueOnError)
	version := options.Uint64("cid-version", 0, "version of the content ids")
	rawLeaves := options.Bool("raw-leaves", false, "leaves without UnixFS")
	cut := options.String("chunker", "size-262144", "how it is cut")
	links := options.Int("max-file-links", helpers.DefaultLinksPerBlock, "links of a node")
	if err := options.Parse(args); err != nil {
		return file{}, err
	}
	prefix, err := merkledag.PrefixForCidVersion(int(*version))
	if err != nil {
		return file{}, err
	}
	pieces, err := chunker.FromString(input, *cut)
	if err != nil {
		return file{}, err
	}
	_, dag := memory()
	params := helpers.DagBuilderParams{Dagserv: dag, RawLeaves: *rawLeaves, Maxlinks: *links, CidBuilder: &prefix}
	builder, err := params.New(pieces)
	if err != nil {
		return file{}, err
	}
	root, err := balanced.Layout(builder)
	if err != nil {
		return file{}, err
	}
	return cat(ctx, dag, root.Cid())
}

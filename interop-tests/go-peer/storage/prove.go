package storage

import (
	"encoding/binary"
	"errors"
)

// Prove takes the body of a whole blob and gives its bytes, once each block had the hash that its parent named.
func Prove(root CID, body []byte) ([]byte, error) {
	p := &prover{body: body}
	if err := p.tree(root, 1, nil); err != nil {
		return nil, err
	}
	if len(p.body) > 0 {
		return nil, errors.New("dag_surplus")
	}
	return p.plain, nil
}

type prover struct{ body, plain []byte }

func (p *prover) tree(cid CID, level int, length *uint64) error {
	block, err := p.block(cid)
	if err != nil {
		return err
	}
	before := uint64(len(p.plain))
	if cid.isLeaf() {
		p.plain = append(p.plain, block...)
	} else if err := p.children(block, level); err != nil {
		return err
	}
	if length != nil && uint64(len(p.plain))-before != *length {
		return errLengths
	}
	return nil
}

func (p *prover) children(block []byte, level int) error {
	children, err := decodeNode(block)
	if err != nil {
		return err
	}
	if level == mostLevel {
		return errors.New("too_deep")
	}
	for _, c := range children {
		if err := p.tree(c.cid, level+1, &c.length); err != nil {
			return err
		}
	}
	return nil
}

// block judges length and hash.
func (p *prover) block(cid CID) ([]byte, error) {
	if len(p.body) < 4 {
		return nil, errors.New("dag_cut")
	}
	most := mostNode
	if cid.isLeaf() {
		most = mostLeaf
	}
	n := int(binary.LittleEndian.Uint32(p.body))
	if n > most {
		return nil, errors.New("block_oversize")
	}
	if n > len(p.body)-4 {
		return nil, errors.New("dag_cut")
	}
	block := p.body[4 : 4+n]
	p.body = p.body[4+n:]
	if !cid.names(block) {
		return nil, errors.New("bad_block")
	}
	return block, nil
}

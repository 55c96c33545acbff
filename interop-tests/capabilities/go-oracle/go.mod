module go-oracle

go 1.26.0

require gopkg.in/macaroon.v2 v2.1.0

require (
	golang.org/x/crypto v0.54.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

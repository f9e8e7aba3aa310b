// The Kubernetes provider as its own release builds it, but for the schema that a release embeds: only `pulumi import`
// and tools that generate code read it, and no module has it.
package main

import "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"

// The release of pulumi-kubernetes that the module's commit became.
const version = "4.34.2"

func main() {
	provider.Serve("kubernetes", version, []byte("{}"), []byte("{}"))
}

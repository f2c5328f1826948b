import type { IForbiddenRuleType } from 'dependency-cruiser'

/** Files that exist for tests: they may use anything, and nothing else may use them. */
const TESTS =
  '(\\.test\\.ts$|(^|/)(test|testing|fixtures)/|/(testing|arbitrary|fixture)\\.ts$|^(protocols|actors)/.*/samples\\.ts$|^packages/testkit/)'
const SHIPPED = '^(packages|protocols|actors)/'
/** The parts of libp2p. `multiformats` itself (base encodings, no network) is open to all. */
const LIBP2P = 'node_modules/(libp2p|@libp2p/[^/]+|@multiformats/[^/]+|multicast-dns|it-[^/]+)/'

type Rule = IForbiddenRuleType & { readonly name: string; readonly comment: string }

const rule = (name: string, comment: string, from: Rule['from'], to: Rule['to']): Rule => ({
  name,
  comment,
  severity: 'error',
  from,
  to
})

/** What may not import what. `comment` is the reason, and is what a developer reads when the check fails. */
export const LAYER_RULES: readonly Rule[] = [
  rule(
    'packages-look-down',
    'A package is a library without fog policy: it is of use alone, and so knows nothing above it.',
    { path: '^packages/' },
    { path: '^(protocols|actors|testnet|benchmarks)/' }
  ),
  rule(
    'protocols-look-down',
    'A wire format outlives the actor that speaks it today.',
    { path: '^protocols/' },
    { path: '^(actors|testnet|benchmarks)/' }
  ),
  rule(
    'actors-look-down',
    'What is shipped does not depend on the tools that try it.',
    { path: '^actors/' },
    { path: '^(testnet|benchmarks)/' }
  ),
  rule(
    'testnet-looks-down',
    'Benchmarks drive the testnet; the other way round would be a circle.',
    { path: '^testnet/' },
    { path: '^benchmarks/' }
  ),
  rule(
    'actors-apart',
    // A replicated machine is a program of the quorum's, made of what its index offers to programs.
    'An actor says in ports.ts what it needs, and the peer wires it; an import would hide that wiring.',
    { path: '^actors/(?!peer/|replica/)([^/]+)/' },
    { path: '^actors/', pathNot: '(^actors/$1/|node_modules/)' }
  ),
  rule(
    'peer-by-index',
    "The peer composes actors by what they export, so that an actor's files can move.",
    { path: '^actors/peer/', pathNot: TESTS },
    { path: '^actors/(?!peer/)', pathNot: '(^actors/[^/]+/index\\.ts$|node_modules/)' }
  ),
  rule(
    'ports-alone',
    'An interface of the outside world that imports something binds every adapter to it.',
    { path: '^packages/ports/', pathNot: TESTS },
    { path: '.', pathNot: '^packages/ports/', dependencyTypesNot: ['core'] }
  ),
  rule(
    'libp2p-in-net',
    'One importer of libp2p: what comes from the network is bounded and decoded in one place, and a major version of it is one room of work.',
    { path: '.', pathNot: '^packages/net/' },
    { path: LIBP2P }
  ),
  rule(
    'no-old-libp2p-names',
    'Gossipsub, noise and yamux moved to @libp2p; the @chainsafe names stop at libp2p 2 and lack the fix for CVE-2026-46679.',
    { path: '.' },
    { path: '(^|/)@chainsafe/' }
  ),
  rule(
    'pure-without-node',
    'A reducer that reads a file or a socket cannot be replayed. node:crypto computes; its randomness is banned by lint.',
    {
      path: ['^packages/consensus/', '^protocols/', '^actors/.*/(rules|machine)\\.ts$', '^actors/[^/]+/rules/'],
      pathNot: TESTS
    },
    { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|util)$' }
  ),
  rule(
    'checkers-apart',
    'A judge that shares the code of consensus shares its mistakes.',
    { path: '^testnet/checkers/', pathNot: '\\.test\\.ts$' },
    { path: '^(packages/consensus|protocols|actors)/' }
  ),
  rule(
    'tests-stay-tests',
    'Simulated clocks and sample data must not reach what is shipped.',
    { path: SHIPPED, pathNot: TESTS },
    { path: TESTS }
  ),
  rule(
    'no-test-imports-a-test',
    'A test that imports another runs its cases twice; share a helper file instead.',
    { path: '.' },
    { path: '\\.test\\.ts$' }
  ),
  rule(
    'no-cycles',
    'Files that need each other to load work or fail by which loads first. Types are erased, and may name each other.',
    { path: '.' },
    { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } }
  ),
  rule(
    'resolves',
    'An import that does not resolve is one no rule was tried on.',
    { path: '.' },
    { couldNotResolve: true }
  )
]

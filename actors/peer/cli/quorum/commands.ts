import type { Command } from 'commander'
import { createOutput, type Output } from '../output.ts'
import { pathOf } from '../paths.ts'

const CREATE_SHAPE = `
Each member is <peer id> or <peer id>=<weight>; the weight is 100 unless told. Without any, every member that is up
takes part. Operator and site are the member's own claims, hardware is the kind of machine it claims to be.

With --json, one object:
  { "group": "<64 hex digits>", "file": "...", "members": [ { "peer", "weight", "operator", "site", "hardware" } ],
    "weight": { "total", "faults", "quorum" },
    "risks": [ { "attribute", "domain", "weight", "maySilent": true, "mayLie": false } ] }`

const VERIFY_SHAPE = `
Needs no peer, no network and no clock: the manifest says whom to believe. Exits with 1 and BRUME_QUORUM_BUNDLE where
the bundle proves nothing, or where its signers are not as required.

With --json, one object:
  { "group", "epoch", "height", "view", "digest", "signers": [ { "peer", "weight", "operator", "site", "hardware" } ],
    "leaf": { "path": "kv/x", "value": "<base64>" } | null }`

const STATUS_SHAPE = `
With --json, { "groups": [...] }, each as in \`brume status --json\`.`

/** The commands of quorum groups. Each loads its own code when it is called. */
export function addQuorum(program: Command): void {
  const quorum = program.command('quorum').description('groups of peers that agree although some of them lie')
  addCreate(quorum)
  addJoin(quorum)
  addStatus(quorum)
  addVerify(quorum)
  addData(quorum)
}

function addCreate(quorum: Command): void {
  quorum
    .command('create [members...]')
    .description('write the manifest of a new group, and say which domains it outlives')
    .requiredOption('--name <text>', 'what people call it')
    .option('--program <name>', 'what it replicates', 'kv')
    .option(
      '--from <file>',
      'members as `brume peers --json` printed them; else the running peer is asked',
      pathOf('--from')
    )
    .option('--admit <who>', 'whose commands are taken: members, open, or peer ids separated by commas', 'members')
    .option(
      '--diversity <attribute:n>',
      'signers of a block come from at least n domains; may be repeated',
      collect,
      []
    )
    .option('--cap <attribute>', 'no domain of it may outweigh the lies it must outlive; may be repeated', collect, [])
    .option('--survive <attribute>', 'goes on without any one domain of it; may be repeated', collect, [])
    .option('--out <file>', 'where to write the manifest (default: <group id>.cbor here)', pathOf('--out'))
    .addHelpText('after', CREATE_SHAPE)
    .action(async (members: string[], options, command: Command) => {
      const { create } = await import('./create.ts')
      await create({ ...options, members, dataDir: dataDirOf(command) }, outputOf(command))
    })
}

function addJoin(quorum: Command): void {
  quorum
    .command('join <manifest>')
    .description('have the running peer take part in a group, now and whenever it starts')
    .action(async (manifest: string, _options, command: Command) => {
      const { join } = await import('./running.ts')
      await join(dataDirOf(command), manifest, outputOf(command))
    })
}

function addStatus(quorum: Command): void {
  quorum
    .command('status [group]')
    .description('show the groups of the running peer, or one of them')
    .addHelpText('after', STATUS_SHAPE)
    .action(async (group: string | undefined, _options, command: Command) => {
      const { status } = await import('./running.ts')
      await status(dataDirOf(command), group, outputOf(command))
    })
}

function addVerify(quorum: Command): void {
  quorum
    .command('verify <bundle>')
    .description('check offline that a bundle proves a block final, and what came of it')
    .requiredOption('--trust <manifest>', 'of the group that is believed')
    .option('--domain <text>', "of the program's statements", 'brume/kv-attest/1')
    .option('--require <attribute:n>', 'signers from at least n domains; may be repeated', collect, [])
    .addHelpText('after', VERIFY_SHAPE)
    .action(async (bundle: string, options, command: Command) => {
      const { verify } = await import('./verify.ts')
      await verify({ ...options, bundle }, outputOf(command))
    })
}

function addData(quorum: Command): void {
  quorum
    .command('submit <group> <key> [value]')
    .description('set a value in a group that runs kv, or remove it where none is given')
    .option('--bundle <file>', 'write the proof of the answer, for `verify`', pathOf('--bundle'))
    .action(async (group: string, key: string, value: string | undefined, options, command: Command) => {
      const { submit } = await import('./data.ts')
      await submit({ ...options, dataDir: dataDirOf(command), group, key, value }, outputOf(command))
    })
  quorum
    .command('read <group> <key>')
    .description('read a value; a key that ends with * stands for all that begin so')
    .option('--level <level>', 'local, final or certified', 'final')
    .option('--bundle <file>', 'write the proof of a certified read, for `verify`', pathOf('--bundle'))
    .action(async (group: string, key: string, options, command: Command) => {
      const { read } = await import('./data.ts')
      await read({ ...options, dataDir: dataDirOf(command), group, key }, outputOf(command))
    })
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

function dataDirOf(command: Command): string | undefined {
  return command.optsWithGlobals().dataDir
}

function outputOf(command: Command): Output {
  return createOutput(command.optsWithGlobals().json === true)
}

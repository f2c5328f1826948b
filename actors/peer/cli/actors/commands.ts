import type { Command } from 'commander'
import { PeerError } from '../../errors.ts'
import { createOutput, type Output } from '../output.ts'

const PATHS = `
An actor is named by its path on the running peer, such as counter or orders/17, or by any address: brume://...`

const TAIL_SHAPE = `${PATHS}
With --json, one object a line: { "became": { ... as show prints it } } or { "emitted": { "type", ... } }`

/** The commands of actors. Each loads its own code when it is called. */
export function addActors(program: Command): void {
  const actors = program.command('actors').description('see and use what runs on the peer').action(listing)
  actors.command('list').description('list its actors').action(listing)
  actors
    .command('show <actor>')
    .description('print the state of one')
    .addHelpText('after', PATHS)
    .action(async (actor: string, _options, command: Command) => {
      const { show } = await import('./running.ts')
      await show(dataDirOf(command), actor, outputOf(command))
    })
  actors
    .command('tail <actor>')
    .description('print what it emits and becomes, until Ctrl-C')
    .addHelpText('after', TAIL_SHAPE)
    .action(async (actor: string, _options, command: Command) => {
      const { tail } = await import('./running.ts')
      await tail(dataDirOf(command), actor, outputOf(command))
    })
  addEvents(actors)
  addOrders(actors)
}

const ADMINS = `${PATHS}
The peer where it lives must have this one among its admins; so must the one it goes to.`

function addOrders(actors: Command): void {
  actors
    .command('stop <actor>')
    .description('end it, with all that is below it')
    .addHelpText('after', `\nIts state and its history are deleted: nothing brings them back.\n${ADMINS}`)
    .action(async (actor: string, _options, command: Command) => {
      const { stop } = await import('./running.ts')
      await stop(dataDirOf(command), actor, outputOf(command))
    })
  actors
    .command('resurrect <actor>')
    .description('have one that failed go on, with the state from before it failed')
    .addHelpText('after', ADMINS)
    .action(async (actor: string, _options, command: Command) => {
      const { resurrect } = await import('./running.ts')
      await resurrect(dataDirOf(command), actor, outputOf(command))
    })
  actors
    .command('move <actor> <peer>')
    .description('take it to another peer, which runs the same machine; its address goes on leading there')
    .addHelpText('after', ADMINS)
    .action(async (actor: string, peer: string, _options, command: Command) => {
      const { move } = await import('./running.ts')
      await move(dataDirOf(command), { actor, to: peer }, outputOf(command))
    })
}

function addEvents(actors: Command): void {
  actors
    .command('send <actor> <event>')
    .description('have it process an event, such as \'{"type":"add","by":2}\'')
    .option('--ask', 'print what the machine replies')
    .addHelpText('after', PATHS)
    .action(async (actor: string, event: string, { ask }: { readonly ask?: boolean }, command: Command) => {
      const { send } = await import('./running.ts')
      await send(dataDirOf(command), { actor, event, reply: ask === true }, outputOf(command))
    })
  actors
    .command('history <actor>')
    .description('list the events it has processed (durability journal)')
    .option('--from <seq>', 'from this one on', '0')
    .action(async (actor: string, { from }: { readonly from: string }, command: Command) => {
      const { history } = await import('./running.ts')
      await history(dataDirOf(command), { actor, from: countOf(from) }, outputOf(command))
    })
  actors
    .command('at <actor> <seq>')
    .description('print its state as it was after so many events (durability journal)')
    .action(async (actor: string, seq: string, _options, command: Command) => {
      const { at } = await import('./running.ts')
      await at(dataDirOf(command), { actor, seq: countOf(seq) }, outputOf(command))
    })
}

async function listing(_options: object, command: Command): Promise<void> {
  const { list } = await import('./running.ts')
  await list(dataDirOf(command), outputOf(command))
}

function countOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new PeerError('BRUME_PEER_USAGE', `${text} is no number of events`)
}

const dataDirOf = (command: Command): string | undefined => command.optsWithGlobals().dataDir
const outputOf = (command: Command): Output => createOutput(command.optsWithGlobals().json === true)

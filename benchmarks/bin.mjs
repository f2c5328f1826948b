#!/usr/bin/env node
import { launch } from '@brume/peer/launch'

await launch(new URL('./brume-bench', import.meta.url))

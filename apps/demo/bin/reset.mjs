#!/usr/bin/env node
import { run } from './prepare.mjs';

await run('reset');

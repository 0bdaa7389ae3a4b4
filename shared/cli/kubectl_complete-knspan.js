#!/usr/bin/env node
// Completion of `kubectl knspan`: kubectl runs the executable `kubectl_complete-knspan` with the words so far.
process.argv.splice(2, 0, '__complete');
await import('./bin.js');

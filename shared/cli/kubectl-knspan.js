#!/usr/bin/env node
// knspan as a plugin of kubectl: `kubectl knspan` runs the executable `kubectl-knspan`.
import './bin.js';

// Begins to start Python before the page's other modules are there: they are many, and Python's start needs few of them.

import { beginPython } from './python.js';

beginPython();

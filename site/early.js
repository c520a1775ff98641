// Begins to start Python before the page's other modules, of which that needs few, are there.

import { beginPython } from './python.js';

beginPython();

"""Mends PyScript's editor, in which the playground's cells run.

As it comes, each printed line writes all lines before it anew: five hundred hold the page up for
seconds. What an error says is taken for HTML, so that its `<module>` is lost. A cell that is
run before another has finished takes that one's output. A last line without an end shows in front
of what the next cell prints. Whoever is asked whether to stop a cell, and says no, has it run once
more. And a button that was pressed by keyboard loses the focus.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from errors import BuildError

RED = (
    'v.append(Object.assign(document.createElement("span"),'
    '{style:"color:red",textContent:%s}),"\\n")'
)
FLUSH = (
    "[(f.flush(),__import__('os').fsync(f.fileno()))"
    "for f in(__import__('sys').__stdout__,__import__('sys').__stderr__)]"
)
MENDED = {
    "n.revoke(),n.runAsync=e": f'n.revoke(),n.runAsync=t=>e(t).finally(()=>e("{FLUSH}"))',
    'if(r.classList.contains("running")&&confirm("Stop evaluating this code?")){': (
        'if(r.classList.contains("running")){if(!confirm("Stop evaluating this code?"))return;'
    ),
    "r.blur(),await t.handleEvent": "await t.handleEvent",
    "v.innerText+=`${e}\\n`": "v.append(`${e}\\n`)",
    "v.insertAdjacentHTML(\"beforeend\",`<span style='color:red'>${e}</span>\\n`)": RED % "e",
    "v.insertAdjacentHTML(\"beforeend\",`<span style='color:red'>${e.message||e}</span>\\n`)": RED
    % "e.message||e",
    # The next run waits for this one: what stands for the worker is its promise.
    "return g.get(f).then(e=>{e.onerror": "const D=g.get(f).then(e=>{e.onerror",
    "(c?r.runAsync(c):Promise.resolve()).then(()=>r.runAsync(h),n).then(n,n)})}const k=": "return("
    "c?r.runAsync(c):Promise.resolve()).then(()=>r.runAsync(h),n).then(n,n).then(()=>e)});"
    "return g.set(f,D),D}const k=",
}


def mend_editor(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the editor's script, mended, of all that come with PyScript.

    Raises BuildError if it is another than was known here.
    """
    found = {p: data for p, data in files.items() if re.search(r"/py-editor[^/]*\.js$", p)}
    for path, data in found.items():
        script = data.decode()
        for faulty, mended in MENDED.items():
            if script.count(faulty) != 1:
                raise BuildError(f"{path}: expected {faulty!r} once; see .build/editor.py")
            script = script.replace(faulty, mended)
        found[path] = script.encode()
    return found

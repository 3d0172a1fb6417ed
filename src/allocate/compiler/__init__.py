"""From a Pyomo declaration to the arrays that HiGHS takes, at the speed of numpy. See docs/compiler.md.

It knows nothing of what is modelled, and imports only Pyomo and numpy.
"""

from allocate.compiler.arrays import Arrays, Hessian, Touched
from allocate.compiler.compiled import Checked, Compiled
from allocate.compiler.errors import CompileError
from allocate.compiler.members import Positions

__all__ = ["Arrays", "Checked", "CompileError", "Compiled", "Hessian", "Positions", "Touched"]

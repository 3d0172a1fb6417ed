"""The model, the solver, the certificate. The only rooms that know Pyomo and HiGHS."""

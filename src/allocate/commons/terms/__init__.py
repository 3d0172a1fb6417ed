"""Terms: payments and rates under which the plan is what each partner would choose itself."""

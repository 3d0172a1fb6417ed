"""Apart: what each partner counts and would do by itself; so what there is to agree on."""

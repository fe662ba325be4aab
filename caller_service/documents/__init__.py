"""Layer 1½: a case as other systems read it: EIDO, the hand-off's schema, the printed hand-off.
Pure: nothing is read or sent here."""

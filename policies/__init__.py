"""The policy pack: FixRx's pre-deployment checklist as rules, enforced at preview, at deployment and offline."""

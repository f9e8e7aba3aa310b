"""The pack's machinery: resources, references, verdicts, levels, waivers, Pulumi's protocol. It knows no rule."""

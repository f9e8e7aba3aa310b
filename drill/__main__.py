from drill.command import main

main()

from boot.command import main

main()

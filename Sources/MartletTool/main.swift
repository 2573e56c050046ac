import CommandLine

MartletCommand.runMain()

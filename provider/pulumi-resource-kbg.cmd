@echo off
rem Pulumi starts this as the provider `kbg` on Windows.
setlocal
set "here=%~dp0"
set "node=%here%..\node_modules\.bin\node.cmd"
if exist "%node%" ("%node%" "%here%main.ts" %*) else (node "%here%main.ts" %*)

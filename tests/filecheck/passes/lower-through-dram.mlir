// RUN: pqc opt %s -p lower-to-pqa | filecheck %s

// The schedule says that nothing stays on chip: every tensor lies in DRAM, and passes through the activation buffer.
// CHECK: [[X:%[^ ]+]] = pqa.tensor "image" kind 0
// CHECK: [[Y:%[^ ]+]] = pqa.tensor "y" kind 1 <?x4x4x4xsi8, 0.5> : !pqa.region<dram, 64>

// A layer loads what its windows see, and what is added on the way out; and it stores its result.
// CHECK: [[C:%[^ ]+]] = pqa.tensor "conv" kind 2 <?x2x4x4xsi8, 0.5> : !pqa.region<dram, 32>
// CHECK: [[S:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 32>
// CHECK-NEXT: pqa.load dram = [[X]], address = [[S]] <item_bytes = 32, items = 1, rows = 1, planes = 1, entry_bits = 8>
// CHECK: pqa.convolve source = [[S]], {{.*}}accumulator = [[A:%[^ ]+]] <
// CHECK-NEXT: [[E:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 32>
// CHECK-NEXT: pqa.load dram = [[X]], address = [[E]]
// CHECK-NEXT: [[R:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 32>
// CHECK-NEXT: pqa.requantize accumulator = [[A]], {{.*}}residual = [[E]], destination = [[R]] <
// CHECK-NEXT: pqa.store dram = [[C]], address = [[R]] <item_bytes = 32, items = 1, rows = 1, planes = 1>

// A slice is a strided load.
// CHECK-NEXT: [[I:%[^ ]+]] = pqa.tensor "slice" kind 2
// CHECK-NEXT: [[S:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 16>
// CHECK-NEXT: pqa.load dram = [[C]], address = [[S]] <dram_offset = 4, item_bytes = 4, items = 1, rows = 2, planes = 2, dram_row_stride = 8, dram_plane_stride = 16, row_stride = 4, plane_stride = 8, entry_bits = 8>
// CHECK-NEXT: pqa.store dram = [[I]], address = [[S]] <item_bytes = 16, items = 1, rows = 1, planes = 1>

// Padding is a fill, with the operand loaded into the middle of it.
// CHECK-NEXT: [[O:%[^ ]+]] = pqa.tensor "pad" kind 2
// CHECK-NEXT: [[S:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 32>
// CHECK-NEXT: pqa.fill destination = [[S]] <destination_storage = 1, destination_plane_stride = 16, destination_row_stride = 4, planes = 2, rows = 4, columns = 4>
// CHECK-NEXT: pqa.load dram = [[I]], address = [[S]] <address_offset = 4, item_bytes = 8, items = 1, rows = 1, planes = 2, dram_plane_stride = 8, plane_stride = 16, entry_bits = 8>
// CHECK-NEXT: pqa.store dram = [[O]], address = [[S]]

// A transpose loads byte by byte.
// CHECK-NEXT: [[N:%[^ ]+]] = pqa.tensor "transpose" kind 2
// CHECK-NEXT: [[S:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 32>
// CHECK-NEXT: pqa.load dram = [[O]], address = [[S]] <item_bytes = 1, items = 4, rows = 4, planes = 2, dram_item_stride = 4, dram_row_stride = 1, dram_plane_stride = 16, item_stride = 1, row_stride = 4, plane_stride = 16, entry_bits = 8>
// CHECK-NEXT: pqa.store dram = [[N]], address = [[S]]

// A concatenation stores each operand at its place.
// CHECK: pqa.load dram = [[N]], address = [[S:%[^ ]+]] <
// CHECK-NEXT: pqa.store dram = [[Y]], address = [[S]] <item_bytes = 32, items = 1, rows = 1, planes = 1>
// CHECK: pqa.load dram = [[C]], address = [[S:%[^ ]+]] <
// CHECK-NEXT: pqa.store dram = [[Y]], address = [[S]] <dram_offset = 32, item_bytes = 32, items = 1, rows = 1, planes = 1>

builtin.module attributes {pqc.schedule = {layers = {}, on_chip = []}, pqc.inputs = ["image"], pqc.outputs = ["y"], pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: !pq.tensor<?x2x4x4xsi8, 0.5>) -> !pq.tensor<?x4x4x4xsi8, 0.5> {
    %w = blob.constant <"w", "d7457762807e603b"> : tensor<2x2x1x1xsi8>
    %v = blob.constant <"v", "eaafd2ce99b57536"> : tensor<2xsi32>
    %s = qnn.conv2d %x, %w, %v <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 8 : !pq.tensor<?x2x4x4xsi8, 0.5>, tensor<2x2x1x1xsi8>, tensor<2xsi32> -> tensor<?x2x4x4xsi32> loc("conv")
    %c = qnn.requantize %s, %v, %v residual %x, %v : !pq.tensor<?x2x4x4xsi8, 0.5>, tensor<2xsi32> clip [-128, 127] : tensor<?x2x4x4xsi32>, tensor<2xsi32>, tensor<2xsi32> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("conv")
    %i = qnn.slice %c starts [0, 1, 0] steps [1, 2, 1] : !pq.tensor<?x2x4x4xsi8, 0.5> -> !pq.tensor<?x2x2x4xsi8, 0.5> loc("slice")
    %o = qnn.pad %i before [0, 1, 0] after [0, 1, 0] : !pq.tensor<?x2x2x4xsi8, 0.5> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("pad")
    %n = qnn.transpose %o permutation [0, 1, 3, 2] : !pq.tensor<?x2x4x4xsi8, 0.5> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("transpose")
    %j = qnn.concat %n, %c axis 1 : !pq.tensor<?x2x4x4xsi8, 0.5>, !pq.tensor<?x2x4x4xsi8, 0.5> -> !pq.tensor<?x4x4x4xsi8, 0.5> loc("concat")
    func.return %j : !pq.tensor<?x4x4x4xsi8, 0.5>
  }
}
